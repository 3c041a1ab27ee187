"""Look for everything that params.yaml needs: what the network says at once, what models say as their files come in."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import Any

import click
from tqdm import tqdm

from reset import checkpoint_names
from reset.checking import bases, datasets, gold, machine, options, paths
from reset.checking.bases import Files
from reset.checking.findings import LEVELS, Finding, Level, Unreachable, merged, skipped, warning
from reset.checking.made import Made
from reset.params.document import Params
from reset.params.judged import asks_a_server

DEADLINE_S = 50.0  # of the network, for all rows together
QUIET_S = 1.0  # after which progress is shown

Job = Callable[[], Any]


@dataclass(frozen=True)
class Report:
    """All findings of a check: errors first, then warnings, then what was not looked at."""

    scale: str
    seconds: float
    findings: tuple[Finding, ...]

    def of(self, level: Level) -> list[Finding]:
        """Return the findings of a level."""
        return [finding for finding in self.findings if finding.level == level]


def check(p: Params, *, offline: bool = False) -> Report:
    """Check the data sets, models, judges and the machine; `offline` leaves out what needs the network."""
    started, made = time.monotonic(), Made(p)
    if wrong := tuple(options.check(p)):
        rest = skipped("params.yaml", "nothing else looked at", "mend the options first")
        return Report(p.scale, time.monotonic() - started, (*wrong, rest))
    jobs = {**_data_jobs(p, made, offline), **_server_jobs(p, offline)}
    running = {key: _start(job) for key, job in {**jobs, **_base_jobs(p, made, offline)}.items()}
    found: list[Finding | Unreachable] = [*machine.check(p), *paths.check(p), *gold.check(p)]
    _watch(running, started + DEADLINE_S)
    found += [row for key in jobs for row in _result(key, running[key], [])]
    models: dict[str, Files | None] = {}
    for name in _hub_bases(p):
        models[name], rows = _result(f"base.{name}", running[f"base.{name}"], (None, []))
        found += rows
    found += [row for key, future in running.items() for row in _late(key, future)]
    found += _of_models(p, models)
    distinct = list(merged(found))
    ordered = tuple(finding for level in LEVELS for finding in distinct if finding.level == level)
    return Report(p.scale, time.monotonic() - started, ordered)


def _hub_bases(p: Params) -> list[str]:
    return [name for name, base in p.base.items() if base.kind == "hub"]


def _data_jobs(p: Params, made: Made, offline: bool) -> dict[str, Job]:
    """Return a job for each data set that is not fetched yet."""
    return {
        f"datasets.{name}": partial(datasets.check, name, row, offline=offline)
        for name, row in p.datasets.items()
        if not made(f"fetch@{name}", f"data/raw/{name}")
    }


def _base_jobs(p: Params, made: Made, offline: bool) -> dict[str, Job]:
    return {
        f"base.{name}": partial(
            bases.find, name, p.base[name], made=made(f"base@{name}", f"models/base/{name}"), offline=offline
        )
        for name in _hub_bases(p)
    }


def _server_jobs(p: Params, offline: bool) -> dict[str, Job]:
    from reset.checking import judges, servers  # the client of OpenAI takes half a second to import

    jobs: dict[str, Job] = {
        f"{table}.{name}": partial(judges.server, f"{table}.{name}", name, row, offline=offline)
        for table, rows in (("judges", p.judges), ("watchers", p.watchers))
        for name, row in rows.items()
        if asks_a_server(row)
    }
    if p.sample.engine == "openai" and not offline:
        starts = sorted({row.model for row in p.pools.values() if row.model.startswith("base/")})
        urls = p.sample.engines["openai"]["base_urls"]
        jobs["sample.engines.openai"] = lambda: list(servers.engine(urls, [f"models/{model}" for model in starts]))
    return jobs


def _of_models(p: Params, models: Mapping[str, Files | None]) -> Iterator[Finding]:
    """Yield what the models, and the judges on this machine, say; torch and transformers take seconds to import."""
    from reset.checking import judges

    answering = {name: files for name, files in models.items() if name in _language_models(p)}
    sound = dict(answering)
    if any(models.values()):
        from reset.checking import models as of_model

        for name, files in models.items():
            problems = list(of_model.check(name, files, trained=_trained(p, name))) if files else []
            yield from problems
            if problems and name in answering:
                sound[name] = None
            if files and not problems:
                yield from (
                    of_model.language_model(name, files, p)
                    if name in answering
                    else of_model.judging_model(name, files, p)
                )
    for table, rows in (("judges", p.judges), ("watchers", p.watchers)):
        for name, row in rows.items():
            if not asks_a_server(row):
                yield from judges.local(f"{table}.{name}", name, row, models)
    if answering:
        from reset.checking import sizes

        yield from sizes.check(p, sound, {name: files for name, files in models.items() if name not in sound})


def _trained(p: Params, name: str) -> bool:
    """Return whether stage `base` takes only what can be trained as row `name`."""
    return p.base[name].options.get("trained") is not False


def _language_models(p: Params) -> set[str]:
    """Return the rows of `base` that are trained or answer."""
    averaged = [model for row in p.interpolated.values() for model in (row.init, row.other)]
    named = [*(row.init for row in p.systems.values()), *averaged, *(row.model for row in p.pools.values())]
    return {checkpoint_names.system(name).removeprefix("base/") for name in named if name.startswith("base/")}


def _start(job: Job) -> "Future[Any]":
    """Run a job in a thread that does not outlive the program."""
    future: Future[Any] = Future()

    def run() -> None:
        try:
            future.set_result(job())
        except Exception as failed:  # raised again where the result is asked for
            future.set_exception(failed)

    Thread(target=run, daemon=True).start()
    return future


def _watch(running: Mapping[str, "Future[Any]"], until: float) -> None:
    """Wait for all jobs, or for the deadline; on a terminal show how far they are, else say once that it takes time."""
    pending = set(running.values())
    names = {id(future): key for key, future in running.items()}
    quiet_until = time.monotonic() + QUIET_S
    with tqdm(total=len(running), desc="check", disable=None, delay=QUIET_S, leave=False, miniters=0) as bar:
        told = not bar.disable
        while pending and time.monotonic() < until:
            done, pending = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
            bar.set_postfix_str(", ".join(sorted(names[id(future)] for future in pending)[:2]), refresh=False)
            bar.update(len(done))
            if pending and not told and time.monotonic() > quiet_until:
                told = True
                click.echo(f"check: waiting for {len(pending)} of {len(running)} rows", err=True)


def _result(key: str, future: "Future[Any]", otherwise: Any) -> Any:
    """Return a job's result, `otherwise` if it is late; an error of the program is raised."""
    return future.result() if future.done() else otherwise


def _late(key: str, future: "Future[Any]") -> Iterable[Finding]:
    if not future.done():
        yield warning(key, f"not checked within {DEADLINE_S:g} s", "run the check again")
