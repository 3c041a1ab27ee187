"""The top-level parts of a file of conf/, each with its comments, to be edited and written again in any order."""

import io
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.representer import RoundTripRepresenter

_PART = re.compile(r"^(?=\w+:)", re.MULTILINE)


class _Representer(RoundTripRepresenter):
    """Writes null as a word, as conf/ does."""


_Representer.add_representer(
    type(None), lambda representer, _: representer.represent_scalar("tag:yaml.org,2002:null", "null")
)


class Parts:
    """Parts by key; a part that is set anew has no comments."""

    def __init__(self, *files: Path) -> None:
        """Read the parts of `files`; of equal keys the last file's counts. `defaults` is left out."""
        self._documents: dict[str, CommentedMap] = {}
        for file in files:
            texts = _PART.split(file.read_text(encoding="utf-8"))[1:]
            self._documents |= {text.partition(":")[0]: _yaml().load(text) for text in texts}
        self._documents.pop("defaults", None)

    def __contains__(self, key: str) -> bool:
        """Return whether there is such a part."""
        return key in self._documents

    def __getitem__(self, key: str) -> Any:
        """Return what stands below a key, to be changed in place."""
        return self._documents[key][key]

    def __setitem__(self, key: str, value: Any) -> None:
        """Set what stands below a key; its own comment stays."""
        self._documents.setdefault(key, CommentedMap())[key] = value

    def written(self, order: Iterable[str]) -> str:
        """Return the parts of `order` that there are, each below a blank line."""
        return "".join(f"\n{self._text(key)}\n" for key in order if key in self._documents)

    def _text(self, key: str) -> str:
        stream = io.StringIO()
        _yaml().dump(self._documents[key], stream)
        one_blank = re.sub(r"(?<=\S) +#", " #", stream.getvalue())  # ruamel keeps the old columns of comments
        return re.sub(r"\n\s*\n", "\n", one_blank).strip("\n")


def flow(values: Mapping[str, Any] | list[Any]) -> CommentedMap | CommentedSeq:
    """Return a table or list that is written on one line, with all that is in it."""
    inner = values.values() if isinstance(values, Mapping) else values
    for one in inner:
        if isinstance(one, CommentedMap | CommentedSeq):
            one.fa.set_flow_style()
    made: CommentedMap | CommentedSeq = CommentedMap(values) if isinstance(values, Mapping) else CommentedSeq(values)
    made.fa.set_flow_style()
    return made


def hub_row(model: str) -> CommentedMap | CommentedSeq:
    """Return the row of `base` for a model of the hub or in a folder."""
    folder = Path(model).is_dir()
    options = flow({"id": model, "revision": None if folder else "main"})
    return flow({"kind": "hub", "needs": model if folder else "reset/bases/hub.py", "options": options})


def _yaml() -> YAML:
    yaml = YAML()
    yaml.Representer = _Representer
    yaml.preserve_quotes, yaml.width = True, 10_000
    return yaml
