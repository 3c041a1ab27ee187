"""Get the configuration and tokenizer of a starting model without its weights."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from logging import ERROR
from pathlib import Path
from tempfile import TemporaryDirectory

from huggingface_hub import constants, errors, get_session, snapshot_download
from huggingface_hub.utils import logging

from reset import registry
from reset.bases.hub import FILES, REFUSALS
from reset.errors import ResetError
from reset.params.training import Base

MODELS = Path("models")
PROBE_S = 5  # the longest wait for a first word of the hub


@contextmanager
def outline(name: str, base: Base, *, offline: bool = False) -> Iterator[Path]:
    """Yield a folder with the configuration and tokenizer of row `name` of `base`.

    It is the model's own folder if the stage `base` has made it. For a hub model, the small files are downloaded into
    the hub's cache, or taken from there with `offline`; for a micro model, they are made in a temporary folder. Raises
    `ResetError` if the download fails, and for a kind that is not a language model.
    """
    built = MODELS / "base" / name
    if (built / "config.json").is_file():
        yield built
    elif base.kind == "hub":
        yield _from_hub(str(base.options["id"]), base.options["revision"], offline=offline)
    elif base.kind == "micro_lm":
        with TemporaryDirectory() as folder:
            _micro(name, base, Path(folder))
            yield Path(folder)
    else:
        raise ResetError(f"models/base/{name} does not exist yet; `dvc repro base@{name}` makes it")


def _from_hub(name: str, revision: str | None, *, offline: bool) -> Path:
    if Path(name).is_dir():
        return Path(name)
    small = [pattern for pattern in FILES if not pattern.endswith(".safetensors")]
    asked = not offline and _answers(constants.ENDPOINT)
    try:
        with _quiet():
            return Path(snapshot_download(name, revision=revision, allow_patterns=small, local_files_only=not asked))
    except REFUSALS as error:
        raise ResetError(_failure(name, error, offline=offline, asked=asked)) from error


def _failure(name: str, error: Exception, *, offline: bool, asked: bool) -> str:
    if offline:
        return (
            f"'{name}' not looked for on the hub, and the hub's cache does not have its configuration: "
            f"run without --offline where there is a network"
        )
    away = f"{constants.ENDPOINT} does not answer, and the hub's cache does not have it"
    reason = next(iter(str(error).splitlines()), type(error).__name__) if asked else away
    return f"cannot download the configuration of '{name}' from the hub: {reason}"


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out the hub library's warnings: what fails in the end becomes a note of the plan."""
    before = logging.get_verbosity()
    logging.set_verbosity(ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(before)


@functools.cache
def _answers(endpoint: str) -> bool:
    """Whether the hub answers at all; without this each file of each model would be tried for half a minute."""
    try:
        answer = get_session().head(endpoint, timeout=PROBE_S)
    except (errors.HTTPError, OSError):  # type: ignore[attr-defined]  # httpx's, as in reset.checking.hub
        return False
    return answer.status_code < 500  # a gateway's refusal would be tried again for each file too


def _micro(name: str, base: Base, folder: Path) -> None:
    from reset.bases.micro_lm import TOKENIZERS  # slow: these modules import the trainer
    from reset.micro.model import language_model

    options = {**base.options, "needs": folder, "seed": 0}
    if wrong := registry.problems(registry.BASES, base.kind, f"base.{name}.options", **options):
        raise ResetError("params.yaml: " + "; ".join(wrong))
    sizes = {key: base.options[key] for key in ("layers", "width", "heads", "max_tokens")}
    tokenizer = TOKENIZERS[base.options["tokenizer"]](sizes["max_tokens"])
    language_model(tokenizer, seed=0, **sizes).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
