"""The work of stages, the seconds that the plan gives it, and the dollars that a run still needs."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from reset.files import metrics
from reset.llm import ledger
from reset.params.document import Params
from reset.params.judged import asks_a_server
from reset.planning import row_counts
from reset.status.pipeline import Stage


class Work:
    """The work of each stage: answers, rows times epochs, or one for a stage that has neither."""

    def __init__(self, p: Params) -> None:
        self._p = p
        self.answers = {name: row_counts.answers(p, pool) for name, pool in p.pools.items()}
        self.judged = {f"judge@{judge}-{pool}": (judge, pool) for judge in p.judges for pool in p.pools}

    def group(self, stage: Stage) -> str:
        """Return the stages that take equally long for equal work: those of a kind, or of a judge."""
        return f"judge {self.judged[stage.name][0]}" if stage.kind == "judge" else stage.kind

    def of(self, stage: Stage) -> float | None:
        """Return the work of a stage; None if it is not known yet."""
        row = stage.name.partition("@")[2]
        if stage.kind == "judge":
            return self.answers[self.judged[stage.name][1]]
        if stage.kind == "sample":
            return self.answers[row]
        return self._rows(row) if stage.kind == "train" else 1.0

    def has_size(self, stage: Stage) -> bool:
        """Return whether its work is counted in rows or answers; that of other stages is taken for equal."""
        return stage.kind in ("judge", "sample", "train")

    def _rows(self, system: str) -> float | None:
        """Return the rows that a system trains on, as stage `mix` has counted them, else at most."""
        row = self._p.systems[system]
        kind, _, name = row.data.partition("/")
        made = metrics.read(Path("metrics/mix") / f"{name}.json", self._p.scale) if kind == "mixtures" else {}
        if "rows_out" in made:
            return float(made["rows_out"]) * self._p.recipes[row.recipe].epochs
        return row_counts.trained_rows(self._p, row)

    def planned(self, stage: Stage) -> float | None:
        """Return the seconds that section `plan` of params.yaml gives a stage; None without one."""
        plan, work = self._p.plan, self.of(stage)
        if plan is None or work is None:
            return None
        rates: Mapping[str, float] = {
            "train": plan.train_tokens_per_s / plan.row_tokens,
            "sample": plan.sample_tokens_per_s / plan.answer_tokens,
        }
        if stage.kind == "judge":
            rate = plan.answers_per_s.get(self.judged[stage.name][0])
            return plan.stage_s + (work / rate if rate else 0.0)
        return plan.stage_s + (work / rates[stage.kind] if stage.kind in rates else 0.0)


@dataclass(frozen=True)
class Dollars:
    """US dollars: `spent` on judges by the ledger, and what is still to come; None where that cannot be told yet."""

    spent: float
    judges_left: float | None
    machine_left: float | None


def dollars(p: Params, work: Work, left: Iterable[str], seconds_left: float | None) -> Dollars:
    """Return the dollars of a run whose stages `left` are still to end; a judge keeps its price per answer so far."""
    paid = {judge for judge, row in p.judges.items() if asks_a_server(row)}
    spent = _spent(paid, p.pools)
    to_come = [_to_come(judge, set(left), spent, work) for judge in paid]
    judges_left = None if None in to_come else sum(each or 0.0 for each in to_come)
    machine = None if p.plan is None or seconds_left is None else p.plan.device_usd * seconds_left / 3600
    return Dollars(sum(spent.values()), judges_left, machine)


def _spent(judges: Collection[str], pools: Collection[str]) -> dict[tuple[str, str], float]:
    path, spent = ledger.location(), defaultdict[tuple[str, str], float](float)
    if judges and path.is_file():
        with ledger.Ledger(path) as book:
            for row in book.spend():
                if row["judge"] in judges and row["pool"] in pools:
                    spent[row["judge"], row["pool"]] += row["usd"] or 0.0
    return dict(spent)


def _to_come(judge: str, left: set[str], spent: Mapping[tuple[str, str], float], work: Work) -> float | None:
    open_pools = [pool for name, (by, pool) in work.judged.items() if by == judge and name in left]
    ended = [pool for name, (by, pool) in work.judged.items() if by == judge and name not in left]
    answers = sum(work.answers[pool] for pool in ended)
    if not open_pools:
        return 0.0
    if not answers:
        return None
    price = sum(spent.get((judge, pool), 0.0) for pool in ended) / answers
    return sum(max(price * work.answers[pool] - spent.get((judge, pool), 0.0), 0.0) for pool in open_pools)
