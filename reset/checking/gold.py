"""References that compete with answers: whether a judge that chooses compares with the reference itself."""

from collections.abc import Iterator

from reset.checking.findings import Finding, warning
from reset.judges.verdict_names import by_reference
from reset.objectives import by_task
from reset.params.answers import Curated
from reset.params.document import Params
from reset.params.judged import not_choosing, objectives_of


def check(p: Params) -> Iterator[Finding]:
    """Yield a line for each row of `curated` in which the reference is sure of an objective's full value."""
    for name, row in p.curated.items():
        if row.gold and (told := list(dict.fromkeys(_sure(p, row)))):
            what = f"the reference competes, and is always best by {', '.join(told)}, which compares answers with it"
            mend = "set that objective's weight to 0, or name verdicts that read no reference"
            yield warning(f"curated.{name}.gold", what, mend)


def _sure(p: Params, row: Curated) -> Iterator[str]:
    """Yield the verdicts that choose in `row` and compare with a reference, each with its objective."""
    declared, split = objectives_of(p), p.prompts[row.prompts].split
    for task, speakers in by_task(declared, row.rating, not_choosing(p)).items():
        compare = {v for n, j in p.judges.items() for v in by_reference(j.kind, n, j.options, task, split)}
        for name, speaker in speakers.items():
            if declared[name].weight:
                yield from (f"'{verdict}' (objective {name})" for verdict in speaker.verdicts if verdict in compare)
