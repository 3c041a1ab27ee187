"""Which verdicts the judges of params.yaml give; what other tables ask for must be among them.

Judges that stand in for a real one (`stand_ins`) are shown as such, and choose nothing unless `select.stand_ins`.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from reset import objectives, registry
from reset.errors import nearest
from reset.judges import TASKS, Read, verdict_names
from reset.judges.verdict_names import SPLITS, STAND_INS, given, names, watched
from reset.objectives import Objectives, by_task

if TYPE_CHECKING:  # `reset.params` imports this module
    from reset.params.answers import Judge, Watcher
    from reset.params.document import Params

MICRO = "micro"  # source of the embedded world, outside which models of the kind `MICRO_NLI` know nothing
MICRO_NLI = "micro_nli"
OF_SENTENCES = ("summac", "claims", "minicheck")  # kinds of judges that tell the support of each sentence
TAKEN = (  # names of other columns that stand beside objectives
    *("score", "system", "stage", "step", "checkpoint", "training"),
    *("length", "n", "tokens", "nulls", "stand_in", "side"),
)


def objectives_of(p: "Params") -> Objectives:
    """Return the objectives that the file declares."""
    return objectives.read(p.model_dump(include={"objectives"})["objectives"])


def stand_ins(p: "Params") -> set[str]:
    """Return the names of all verdicts that judges and watchers in `stand_ins` give."""
    return verdict_names.stand_ins(p.model_dump(include={"judges", "watchers", "stand_ins"}))


def not_choosing(p: "Params") -> set[str]:
    """Return the names of the verdicts that take no part in any choice."""
    return set() if p.select.stand_ins else stand_ins(p)


def asks_a_server(row: "Judge") -> bool:
    """Whether a row of judges asks a server, and so may cost money for each answer."""
    return "server" in row.options


def read(p: "Params", judge: str) -> dict[str, Read]:
    """Return, per pool, what something reads of the verdicts by `judge`.

    Of an evaluated pool all verdicts are read, of one that rows of `curated` choose from those that the rows name, in
    the sweeps that compete, and of the references if they compete, too. A verdict that nothing reads is absent.
    """
    return {name: _read_of_pool(p, p.judges[judge], judge, name) for name in p.pools}


def _read_of_pool(p: "Params", row: "Judge", judge: str, name: str) -> Read:
    pool = p.pools[name]
    split = p.prompts[pool.prompts].split
    given_here = {verdict for task in TASKS for verdict in names(row.kind, judge, row.options, task, split)}
    if name in p.evaluate.systems:
        return Read(dict.fromkeys(sorted(given_here), pool.sweeps))
    sweeps: dict[str, int] = {}
    gold: set[str] = set()
    for curated in (row for row in p.curated.values() if row.pool == name):
        asked = {
            verdict
            for speakers in by_task(objectives_of(p), curated.rating).values()
            for verdict in objectives.verdicts(speakers)
        }
        asked |= {curated.mask.verdict} if curated.mask else set()
        for verdict in given_here & asked:
            sweeps[verdict] = max(sweeps.get(verdict, 0), curated.sweeps)
        gold |= given_here & asked if curated.gold else set()
    return Read(dict(sorted(sweeps.items())), sorted(gold))


def problems(p: "Params") -> Iterator[str]:
    """Yield one line for each verdict that is asked for but not given, or given twice, and each unnamed stand-in."""
    rows = (*p.judges.values(), *p.watchers.values())
    if any(row.kind not in registry.JUDGES and not registry.is_own(row.kind) for row in rows):
        return
    if unread := list(_unread(p)):
        yield from unread
        return
    yield from _unnamed_stand_ins(p)
    yield from dict.fromkeys(_given_twice(p))
    first: dict[str, str] = {}  # of each key
    for key, problem in _not_given(p):
        first.setdefault(key, problem)
    yield from first.values()
    yield from _watchers(p)
    yield from _objectives(p)
    yield from _nothing_chooses(p)
    yield from _masks(p)


def _unread(p: "Params") -> Iterator[str]:
    """Yield a line for each prompt file and each class of the user's own that cannot be used."""
    for table, rows in (("judges", p.judges), ("watchers", p.watchers)):
        for name, row in rows.items():
            if problem := verdict_names.problem(row.kind, row.options):
                yield f"{table}.{name}.{'kind' if registry.is_own(row.kind) else 'options.prompt'}: {problem}"


def _unnamed_stand_ins(p: "Params") -> Iterator[str]:
    """Yield a line for each judge that can only be a stand-in here but is not named as one."""
    real = any(dataset.source != MICRO for dataset in p.datasets.values())
    for name, row in (*p.judges.items(), *p.watchers.items()):
        base = p.base.get((row.model or "").removeprefix("base/"))
        why = f"is of kind {row.kind}" if row.kind in STAND_INS else None
        if real and base is not None and base.kind == MICRO_NLI:
            why = f"has the model '{row.model}', which knows the micro world alone"
        if why and name not in p.stand_ins:
            yield f"stand_ins lacks '{name}', which {why}"


def _given_twice(p: "Params") -> Iterator[str]:
    for task in TASKS:
        for split in SPLITS:
            by: dict[str, str] = {}
            for name, row in p.judges.items():
                for verdict in names(row.kind, name, row.options, task, split):
                    if (other := by.setdefault(verdict, name)) != name:
                        yield f"judges.{name} gives the verdict '{verdict}', which judges.{other} gives already"


def _not_given(p: "Params") -> Iterator[tuple[str, str]]:
    """Yield key and line for each verdict of an objective, or `rating` of a curated row, that no judge gives there.

    What only is reported need not be given on prompts that are chosen from: `preference` is given of tests alone.
    """
    declared = objectives_of(p)
    rows = [(f"curated.{n}", row.prompts, row.rating, _choosing(declared, row.floor)) for n, row in p.curated.items()]
    for table, prompts, rating, asked in [("", p.evaluate.prompts, "rating", declared), *rows]:
        if prompts not in p.prompts:
            continue
        split = p.prompts[prompts].split
        for task, speakers in by_task(asked, rating).items():
            known = [verdict for n, row in p.judges.items() for verdict in names(row.kind, n, row.options, task, split)]
            for name, speaker in speakers.items():
                for verdict, own in zip(speaker.verdicts, declared[name].verdicts[task].verdicts, strict=True):
                    if verdict not in known:
                        key = f"objectives.{name}.verdicts.{task}" if verdict == own else f"{table}.rating"
                        hint = nearest(verdict, known)
                        yield key, f"{key}: no judge gives '{verdict}' on {task} prompts of split {split}. {hint}"


def _choosing(declared: Objectives, floors: Mapping[str, float | None]) -> Objectives:
    """Return the objectives that have a weight or, in a curated row with these floors, a floor."""
    barring = objectives.floors(declared, floors)
    return {name: objective for name, objective in declared.items() if objective.weight or name in barring}


def _objectives(p: "Params") -> Iterator[str]:
    """Yield a line for each objective that says nothing, or whose name or averages cannot be."""
    declared = objectives_of(p)
    macros = [objectives.macro_name(name, part) for name in declared for part in objectives.PARTS]
    for name, objective in declared.items():
        if name in TAKEN or name in macros:
            yield f"objectives.{name}: '{name}' is the name of another figure: name the objective otherwise"
        if not objective.verdicts:
            yield f"objectives.{name}: no verdict speaks for it"
            continue
        can = [objectives.ALL, *(objectives.PARTS if objective.in_context() else ())]
        for part in objective.compare:
            if part not in can:
                yield f"objectives.{name}.compare: it has no average '{part}'. {nearest(part, can)}"
    if not any(objective.weight for objective in declared.values()):
        yield "objectives: every weight is 0, so that nothing chooses"
    first, second = p.report.tradeoff
    if first == second:
        yield f"report.tradeoff: names '{first}' twice, must name two objectives"


def _watchers(p: "Params") -> Iterator[str]:
    """Yield a line for each verdict of a watcher that it does not give, or that has the name of a judge's."""
    of_judges = {verdict for name, row in p.judges.items() for verdict in given(name, row.model_dump())}
    for name, row in p.watchers.items():
        own = given(name, row.model_dump())
        for verdict in row.verdicts or ():
            if verdict not in own:
                yield f"watchers.{name}.verdicts: no verdict '{verdict}'. {nearest(verdict, own)}"
        for verdict in _used(row, own):
            if watched(name, verdict) in of_judges:
                yield f"watchers.{name}: its verdict would be called '{verdict}', as that of a judge: name it otherwise"


def _used(row: "Watcher", own: list[str]) -> list[str]:
    return [verdict for verdict in own if row.verdicts is None or verdict in row.verdicts]


def _several(speakers: objectives.ByTask, declared: Objectives) -> bool:
    """Whether several verdicts speak for an objective with a weight, on some task."""
    each = (item for own in speakers.values() for item in own.items())
    return any(len(speaker.verdicts) > 1 and declared[one].weight for one, speaker in each)


def _nothing_chooses(p: "Params") -> Iterator[str]:
    """Yield a line for each curated row that nothing chooses, or with a floor or a number of rows that cannot be."""
    declared, without = objectives_of(p), not_choosing(p)
    for name, row in p.curated.items():
        if row.per_prompt > 1 and row.pick in ("labelled", "weighted"):
            yield f"curated.{name}.per_prompt is {row.per_prompt}, must be 1 for pick: {row.pick}"
        speakers = by_task(declared, row.rating, without)
        choosing = dict.fromkeys(one for own in speakers.values() for one in own)
        if row.disagreement is not None and not _several(speakers, declared):
            mend = "let several speak for one with a weight (`of`: docs/objectives.md), or set null"
            key = f"curated.{name}.disagreement"
            yield f"{key} is {row.disagreement:g}, but one verdict speaks for each objective: {mend}"
        if any(one.weight for one in declared.values()) and not any(declared[one].weight for one in choosing):
            yield f"curated.{name}: all its objectives are of weight 0 or rest on stand-ins, which `select` leaves out"
        for one, least in row.floor.items():
            if one not in (*choosing, "score"):
                yield f"curated.{name}.floor: '{one}' does not choose. {nearest(one, ['score', *choosing])}"
            elif one != "score" and least is not None and not 0 <= least <= 1:
                yield f"curated.{name}.floor.{one} is {least:g}, must be from 0 to 1"


def _masks(p: "Params") -> Iterator[str]:
    """Yield a line for each mask of answers that are trained whole, and for each without a judge of sentences."""
    tell = [n for n, row in p.judges.items() if row.kind in OF_SENTENCES or registry.is_own(row.kind)]
    known = [verdict for name in tell for verdict in given(name, p.judges[name].model_dump())]
    without = not_choosing(p)
    for name, row in p.curated.items():
        key = f"curated.{name}.mask"
        if row.mask is None:
            continue
        if row.pick in ("pairs", "labelled"):
            yield f"{key}: answers of pick: {row.pick} are trained whole, must be null"
        elif row.mask.verdict not in known:
            yield f"{key}.verdict: no judge tells sentences by '{row.mask.verdict}'. {nearest(row.mask.verdict, known)}"
        elif row.mask.verdict in without:
            yield f"{key}.verdict: '{row.mask.verdict}' is a stand-in's, which `select` leaves out"
