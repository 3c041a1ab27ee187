"""Write the card of an exported table from the dvc.lock and the metrics of its run.

The front matter is the hub's: `configs` and `dataset_info` as `datasets` writes and reads them.
"""

import subprocess  # nosec B404: arguments and no shell
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from huggingface_hub import DatasetCardData

from reset.choosing.agreement import STAND_IN
from reset.evidence import card_parts, columns
from reset.evidence.dataset_files import Split
from reset.evidence.lineage import Step
from reset.evidence.public import public
from reset.evidence.revisions import Run
from reset.judges.verdict_names import given, stand_ins
from reset.report.tables import account

ROWS = {  # folder of data/ -> what a row is
    "answers": "an answer that a model gave to a prompt; configuration `prompts` has the prompts, joined by "
    "`example_id`",
    "verdicts": "an answer with the verdicts of all judges on it; configuration `prompts` has the prompts, joined by "
    "`example_id`",
    "curated": "a prompt with what was chosen among the answers to it, to train on",
    "mixtures": "a training example",
}
SETTINGS = {  # heading -> (stages, tables of params.yaml that they used)
    "Pool of answers": (("sample",), ("pools", "decode", "sample", "template", "template_options", "seed")),
    "Prompts": (("draw",), ("prompts", "data_seed")),
    "Choice of answers": (("select",), ("curated", "select", "objectives", "stand_ins", "seed")),
    "Mixture": (("mix",), ("mixtures", "mix", "template", "data_seed")),
}
SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)  # bounds of the hub's size categories
SIZE_NAMES = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M")


def card(run: Run, name: str, steps: Sequence[Step], splits: Sequence[Split]) -> str:
    """Return the README.md of the table `name` (`curated/reset`); `steps` is its lineage, `splits` what was written."""
    sources = card_parts.sources(run, steps, {step.stage: step for step in steps})
    kind = name.partition("/")[0]
    made = (f"data/{name}.parquet", f"data/{name}/")
    own = [step.stage for step in steps if any(path.startswith(made) for path in step.made)]
    full = [split for split in splits if split.rows]
    return card_parts.render(
        "dataset_card.md.j2",
        front=_front(name, full, sources),
        name=name,
        a_row=ROWS[kind],
        splits=full,
        empty=[split for split in splits if not split.rows],
        configs=list(dict.fromkeys(split.config for split in full)),
        columns={split.config: list(_columns(split)) for split in full},
        judges=list(_judges(run, steps)),
        sources=sources,
        left_out=list(_left_out(run, steps, {row["name"] for row in sources})),
        settings={title: list(card_parts.settings(steps, *of)) for title, of in SETTINGS.items()},
        steps=[step for step in steps if step.kind not in ("fetch", "prepare")],
        commit=commit(run.name),
        stages=own,
    )


def _front(name: str, splits: Sequence[Split], sources: Sequence[Mapping[str, str]]) -> str:
    """The card's front matter."""
    from datasets import Features, SplitDict, SplitInfo  # datasets takes seconds to import
    from datasets.info import DatasetInfo, DatasetInfosDict
    from datasets.utils.metadata import MetadataConfigs

    apache = {row["licence"] for row in sources} == {"Apache-2.0"}
    content = DatasetCardData(
        license="apache-2.0" if apache else "other",
        license_name=None if apache else "those-of-the-sources",
        pretty_name=name,
        size_categories=SIZE_NAMES[sum(splits[0].rows >= bound for bound in SIZES)],
        task_categories=["text-generation"],
        source_datasets=card_parts.hub_ids(sources) or None,
        tags=["reset-lm", "rejection-sampling", "faithfulness", f"arxiv:{card_parts.PAPER}"],
    )
    infos, configs = {}, {}
    for number, config in enumerate(dict.fromkeys(split.config for split in splits)):
        own = [split for split in splits if split.config == config]
        sizes = SplitDict()
        for split in own:
            sizes.add(SplitInfo(split.name, num_bytes=split.memory, num_examples=split.rows))
        disk, memory = sum(split.disk for split in own), sum(split.memory for split in own)
        features = Features.from_arrow_schema(own[0].schema)
        infos[config] = DatasetInfo(features=features, splits=sizes, download_size=disk, dataset_size=memory)
        files = [{"split": split.name, "path": f"{config}/{split.name}-*"} for split in own]
        configs[config] = {"data_files": files, **({"default": True} if number == 0 else {})}
    DatasetInfosDict(infos).to_dataset_card_data(content)
    MetadataConfigs(configs).to_dataset_card_data(content)
    return str(content.to_yaml())


def _columns(split: Split) -> Iterator[list[str]]:
    """Yield name, type, whether it may be null, and meaning of each column, those inside a column after it."""
    meanings = {name: {one.name: one.meaning for one in table} for name, table in columns.every_table().items()}
    own = meanings[split.of] | {"verdicts": "all verdicts on the answer", "judge": "its row of `judges`"}
    for one in split.schema:
        meaning = own[one.name].replace("as in EXAMPLES", meanings["EXAMPLES"].get(one.name, ""))
        yield [f"`{one.name}`", _type(one.type), "yes" if one.nullable else "no", meaning]
        inner = one.type.value_type if pa.types.is_list(one.type) else one.type
        for part in inner if pa.types.is_struct(inner) else ():
            meaning = (meanings["VERDICTS"] | own)[part.name] if one.name == "verdicts" else "null: none to this prompt"
            yield [f"`{one.name}.{part.name}`", _type(part.type), "yes" if part.nullable else "no", meaning]


def _type(kind: pa.DataType) -> str:
    inner = kind.value_type if pa.types.is_list(kind) else kind
    name = "struct" if pa.types.is_struct(inner) else str(inner)
    return f"list of {name}" if pa.types.is_list(kind) else name


def _judges(run: Run, steps: Sequence[Step]) -> Iterator[list[str]]:
    """Yield each judge with its kind, its models, its verdicts (stand-ins marked) and the hash of its identity."""
    bases = {name: row for step in steps for name, row in step.rows("base").items()}
    standing_in = stand_ins(run.yaml("params.yaml") or {"stand_ins": []})
    for step in steps:
        for name, row in step.rows("judges").items() if step.kind == "identify" else ():
            said = [verdict + (STAND_IN if verdict in standing_in else "") for verdict in given(name, row)]
            yield [
                name,
                row["kind"],
                ", ".join(_models(run, row, bases)) or "no model",
                ", ".join(said),
                *step.made.values(),
            ]


def _models(run: Run, row: Mapping[str, Any], bases: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a judge asks or loads: a hub id with its commit, its name on a server, or a model of the run."""
    if row["model"]:
        name = row["model"].removeprefix("base/")
        options = bases.get(name, {}).get("options", {})
        revision = run.figures(f"metrics/base/{name}.json").get("revision") or options.get("revision")
        known = public(options["id"]) if "id" in options else f"{row['model']}, of this run"
        yield f"{known} at {revision}" if revision else known
    for key in ("model", "weak_model", "pairwise_model"):
        if asked := row["options"].get(key):
            yield public(asked)


def _left_out(run: Run, steps: Sequence[Step], used: set[str]) -> Iterator[list[str]]:
    """Yield the rows in, out and set aside of each stage, with the reasons; of raw records only the sources' own."""
    for step in steps:
        row = step.stage.partition("@")[2]
        if step.kind == "judge":
            judge, _, pool = row.partition("-")
            row = f"{pool}/{judge}"
        figures = run.figures(f"metrics/{step.kind}/{row or 'examples'}.json")
        if "rows_in" in figures and (step.kind not in ("fetch", "prepare") or row in used):
            counts = account(figures)
            barred = figures.get("candidates_barred", {})
            reasons = [counts["reasons"], *(f"{n} candidates barred: {why}" for why, n in barred.items())]
            shown = [f"{counts[key]:,}" for key in ("rows_in", "rows_out", "set_aside")]
            yield [step.stage, *shown, ", ".join(reason for reason in reasons if reason)]


def commit(name: str) -> str:
    """Return the Git commit of a run, and whether a folder has changes since; "" if it is in no repository."""
    here = Path(name).is_dir()
    folder = name if here else "."
    found = _git(folder, "rev-parse", "--verify", "HEAD" if here else f"{name}^{{commit}}")
    changed = here and found and _git(folder, "status", "--porcelain", "--untracked-files=no")
    return f"{found} and changes that are not committed" if changed else found or ("" if here else name)


def _git(folder: str, *words: str) -> str:
    try:
        git = subprocess.run(["git", "-C", folder, *words], capture_output=True, text=True, check=False)  # nosec B603, B607: arguments and no shell
    except OSError:  # no git on this machine
        return ""
    return git.stdout.strip() if git.returncode == 0 else ""
