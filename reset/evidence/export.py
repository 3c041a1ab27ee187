"""Export a system as a Hugging Face folder: weights, tokenizer, chat template, model card, lineage."""

import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from reset.errors import ResetError, nearest
from reset.evidence import chat_template, lineage, model_card
from reset.evidence.public import public
from reset.evidence.revisions import Run
from reset.files import tables
from reset.files.atomic import whole_folder
from reset.model import adapters
from reset.model.chat_frame import Options
from reset.model.tokens import load_tokenizer

TAKEN = {".jinja", ".json", ".safetensors", ".model", ".txt"}  # files that are exported; never a pickle


def export(run: Run, system: str, into: Path, *, apart: bool = False) -> list[str]:
    """Write the folder `into` and return the names of its files.

    An adapter that the system keeps apart from its base model is merged into whole weights, unless `apart` is true.
    Raises `ResetError` for a system that `run` has not trained, for weights that differ from its dvc.lock, and if
    `into` exists.
    """
    ran = lineage.read(run.lock)
    trained = [name.partition("@")[2] for name, step in ran.items() if step.kind in ("train", "interpolate")]
    if system not in trained:
        raise ResetError(f"'{run.name}' has trained no system '{system}'. {nearest(system, trained)}")
    if into.exists():
        raise ResetError(f"{into} exists; name another folder with --into")
    source = f"models/{system}"
    steps = lineage.trace(ran, source)
    with whole_folder(into) as folder:
        _copy(run, source, folder, steps[-1].made[source])
        if adapters.apart(folder):
            _name_base(run, folder, steps) if apart else _merge(run, folder)
        template, options = _template(steps)
        tokenizer = load_tokenizer(folder)
        _set_template(folder, chat_template.jinja(template, tokenizer, options))
        agrees = chat_template.agrees(load_tokenizer(folder), template, options, trained=tokenizer)
        tables.write_json(folder / "lineage.json", [public(asdict(step)) for step in steps])
        text = model_card.card(run, system, steps, ran, template=template, template_agrees=agrees)
        (folder / "README.md").write_text(text, encoding="utf-8")
        if choices := run.path("docs/choices.md"):
            shutil.copyfile(choices, folder / "choices.md")
    return sorted(path.name for path in into.iterdir())


def _template(steps: Sequence[lineage.Step]) -> tuple[str, Options]:
    """Return the prompt template of the last training, and what a chat template was told."""
    params = next(step.params for step in reversed(steps) if "template" in step.params)
    return params["template"], Options(**params.get("template_options", {}))


def _copy(run: Run, source: str, into: Path, mark: str) -> None:
    """Copy the model's files to `into` if the folder's hash is `mark`, that of dvc.lock; without checkpoints below it.

    Raises `ResetError` for missing files and for another hash.
    """
    paths = {name: path for name in run.files(source) if (path := run.path(name))}
    if not paths:
        raise lineage.absent(run.name, source)
    folder = next(path.parent for name, path in paths.items() if Path(name).parent == Path(source))
    lineage.require_same(source, lineage.folder_hash(folder), mark)
    for path in paths.values():
        if path.parent == folder and path.suffix in TAKEN:
            shutil.copyfile(path, into / path.name)


def _merge(run: Run, folder: Path) -> None:
    """Merge the adapter in `folder` with its base model."""
    base = str(tables.read_json(folder / adapters.BASE)["path"])
    paths = [path for path in map(run.path, run.files(base)) if path]
    adapters.whole(folder, paths[0].parent if paths else Path(base))


def _name_base(run: Run, folder: Path, steps: Sequence[lineage.Step]) -> None:
    """Write the base model's hub id, and the commit that was loaded, into the configuration of the adapter."""
    base = str(tables.read_json(folder / adapters.BASE)["path"])
    config = tables.read_json(folder / adapters.CONFIG)
    for step in steps:
        for name, row in step.rows("base").items():
            if base in step.made and row["kind"] == "hub":
                loaded = run.path(f"metrics/base/{name}.json")
                commit = tables.read_json(loaded).get("revision") if loaded else None
                revision = commit or row["options"]["revision"]  # a branch may have moved since
                hub = {"base_model_name_or_path": row["options"]["id"], "revision": revision}
                tables.write_json(folder / adapters.CONFIG, config | hub)


def _set_template(folder: Path, jinja: str) -> None:
    """Write chat_template.jinja, which tools read first, and remove the starting model's from tokenizer_config.json."""
    path = folder / "tokenizer_config.json"
    settings = tables.read_json(path)
    if settings.pop("chat_template", None):
        tables.write_json(path, settings)
    (folder / "chat_template.jinja").write_text(jinja, encoding="utf-8")
