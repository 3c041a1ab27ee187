"""The engines that load a model in this process, for a judge that is a language model.

Stage `sample` takes its engine from `reset.registry`. A judge's verdicts depend on the code of its engine too, so here
the engines are imported by name, and stage `identify` finds them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reset import registry
from reset.engines import Engine
from reset.errors import ResetError, nearest

NAMES = ("vllm", "transformers")


def load(name: str, model: Path, options: Mapping[str, Any], *, where: str) -> Engine:
    """Load `model` with the engine `name`; `options` are those of its row in `sample.engines`.

    `where` is the place in params.yaml, for messages. Raises `ResetError` for an unknown engine or option, and for one
    that is not installed.
    """
    require(name, where=where)
    engine: Engine = registry.build(registry.ENGINES, name, f"{where}.settings", model=model, **options)
    return engine


def require(name: str, *, where: str) -> None:
    """Raise `ResetError` for an unknown engine, and for one that is not installed; `where` is as above."""
    if name not in NAMES:
        raise ResetError(f"Unknown engine '{name}' ({where}.engine). {nearest(name, NAMES)}")
    try:
        if name == "vllm":
            import reset.engines.vllm.engine  # each takes seconds to import
        else:
            import reset.engines.transformers.engine  # noqa: F401
    except ModuleNotFoundError as error:
        raise ResetError(
            f"Engine '{name}' is not installed ({error}): make repro EXTRA=gpu, or {where}.engine: transformers"
        ) from error
