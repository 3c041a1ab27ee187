"""`reset-lm compose`: write params.yaml from conf/."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import click
import yaml

from reset import params
from reset.errors import ResetError, nearest
from reset.params.document import Params

CONF, CURRENT = Path("conf"), Path("conf/current.yaml")
HEAD = "# Written by `reset-lm compose`: what params.yaml is composed from, and what `dvc exp run -S ...` starts from."


@click.command()
@click.argument("overrides", nargs=-1)
def compose(overrides: tuple[str, ...]) -> None:
    """Write params.yaml from the files in conf/, with OVERRIDES such as scale=smoke (Hydra syntax).

    The overrides are kept in conf/current.yaml, so that `dvc exp run -S key=value` changes that key and nothing else.
    A call that names a scale starts afresh; one that does not adds to what is kept.

    \b
    Example:
      reset-lm compose scale=own data_folder=../mine
      reset-lm compose seed=1                           # the same, with another seed
      reset-lm compose                                  # the same, after an edit in conf/
    """  # noqa: D301  (click reads the \b)
    with unchanged_if_it_fails(CURRENT, params.FILE):
        write(overrides)
    click.echo("params.yaml written")


def write(overrides: Iterable[str]) -> None:
    """Write conf/current.yaml with `overrides`, and params.yaml from it. Raises `ResetError` if they do not fit."""
    before = CURRENT.read_text(encoding="utf-8") if CURRENT.is_file() else "{}"
    CURRENT.write_text(merged(yaml.safe_load(before), overrides), encoding="utf-8")
    _compose()
    params.load()


@contextmanager
def unchanged_if_it_fails(*paths: Path) -> Iterator[None]:
    """Give files their content back, or remove those that are new, if the block fails or is interrupted."""
    before = {path: path.read_bytes() if path.is_file() else None for path in paths}
    try:
        yield
    except BaseException:
        for path, content in before.items():
            path.unlink(missing_ok=True) if content is None else path.write_bytes(content)
        raise


def _compose() -> None:
    """Write params.yaml as conf/current.yaml says, in the way of `dvc exp run`."""
    from dvc.utils.hydra import compose_and_dump  # DVC takes a second to import
    from hydra.errors import HydraException, MissingConfigException
    from omegaconf.errors import OmegaConfBaseException

    try:
        compose_and_dump(params.FILE.resolve(), str(CONF.resolve()), None, CURRENT.stem, None, [])
    except MissingConfigException as error:
        folder, _, name = str(error.missing_cfg_file).rpartition("/")
        known = [path.stem for path in (CONF / folder).glob("*.yaml")]
        raise ResetError(f"There is no conf/{folder}/{name}.yaml. {nearest(name, known)}") from error
    except (HydraException, OmegaConfBaseException) as error:
        if absent := re.search(r"Could not override '(\w+)'", str(error)):
            group = absent[1]
            choices = ", ".join(sorted(path.stem for path in (CONF / group).glob("*.yaml")))
            mend = f"add it by +{group}=... ({choices})"
            raise ResetError(f"{group}=... replaces a group that this scale does not have: {mend}") from error
        raise ResetError(f"conf/ does not compose: {str(error).splitlines()[0]}") from error


def merged(current: dict[str, Any], overrides: Iterable[str]) -> str:
    """Return conf/current.yaml with `overrides`: groups among its defaults, values below them.

    Raises `ResetError` for an override that is none, deletes a key or names several values.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException
    from omegaconf import OmegaConf

    try:
        parsed = OverridesParser.create().parse_overrides(list(overrides))
    except HydraException as error:
        raise ResetError(f"{str(error).splitlines()[0]}: an override reads key=value, such as seed=1") from error
    if any(one.key_or_group == "scale" for one in parsed):
        current = {}
    kept = [line for line in current.pop("defaults", []) if isinstance(line, dict)]
    groups = {name: choice for line in kept for name, choice in line.items()}
    values = OmegaConf.create(current)
    for one in parsed:
        if one.is_delete() or one.is_sweep_override():
            raise ResetError(f"{one.input_line}: `compose` takes key=value; write other changes into conf/")
        _require_known(one.key_or_group.partition(".")[0])
        if (CONF / one.key_or_group).is_dir():
            prefix = "/" if one.is_add() else "override /"
            groups[f"{prefix}{one.key_or_group}"] = one.value()
        else:
            OmegaConf.update(values, one.key_or_group, one.value(), force_add=True)
    added = [{name: choice} for name, choice in groups.items() if name.startswith("/")]
    overridden = [
        {name: choice} for name, choice in groups.items() if not name.startswith("/")
    ]  # Hydra wants them last
    content: dict[str, Any] = {"defaults": ["config", *added, "_self_", *overridden]}
    content |= cast(dict[str, Any], OmegaConf.to_container(values))
    return f"{HEAD}\n{yaml.safe_dump(content, sort_keys=False)}"


def _require_known(key: str) -> None:
    """Raise `ResetError` for what is neither a key of params.yaml nor a group of conf/."""
    groups = {path.parent.name for path in CONF.glob("*/*.yaml")}
    if key not in Params.model_fields and key.partition("/")[0] not in groups:
        known = {*groups, *Params.model_fields}
        raise ResetError(f"'{key}' is neither a key of params.yaml nor a group of conf/. {nearest(key, known)}")


if __name__ == "__main__":
    compose()
