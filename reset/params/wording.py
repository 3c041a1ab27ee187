"""What pydantic finds wrong with params.yaml, in words: the key, what it must be, and the nearest known name."""

import re
from types import UnionType
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel

from reset.errors import nearest


def said(error: Any, root: type[BaseModel]) -> str:
    """One of `ValidationError.errors()` of the model `root`, in a line."""
    keys, kind = _place(error["loc"], root)
    key = ".".join(keys)
    if error["type"] == "extra_forbidden":
        return f"unknown key '{key}'. {nearest(keys[-1], list(kind.model_fields))}"
    if error["type"] == "missing":
        return f"key '{key}' is missing"
    if error["type"].startswith("union_tag"):  # of a table whose rows are of several kinds
        return _no_kind(error, key)
    if keys[-1:] == ["[key]"]:  # of a table whose keys are fixed
        known = re.findall(r"'(\w+)'", error["ctx"]["expected"])
        return f"unknown key '{key.removesuffix('.[key]')}'. {nearest(keys[-2], known)}"
    return f"{key}: ".removeprefix(": ") + f"{error['msg']} (it is {error['input']!r})"


def _no_kind(error: Any, key: str) -> str:
    """A row that does not say of which kind it is, or says one that there is not."""
    key = f"{key}.{error['ctx']['discriminator'].strip(chr(39))}"
    if error["type"] == "union_tag_not_found":
        return f"key '{key}' is missing"
    known = re.findall(r"'(\w+)'", error["ctx"]["expected_tags"])
    return f"{key} is '{error['ctx']['tag']}', which there is not. {nearest(error['ctx']['tag'], known)}"


def _place(location: tuple[int | str, ...], root: type[BaseModel]) -> tuple[list[str], Any]:
    """The keys that lead to `location`, and the kind of thing that holds the last one.

    Where a table's rows are of several kinds, pydantic puts the kind into the location; it is no key.
    """
    kind: Any = root
    keys, holder = [], kind
    for part in location:
        if get_origin(kind) is Annotated and (found := _of_kind(kind, part)):
            kind = found
            continue
        keys.append(str(part))
        holder = kind
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            field = kind.model_fields.get(str(part))
            kind = field.annotation if field else None
            kind = get_args(kind)[0] if get_origin(kind) is UnionType else kind  # a section, or null
        elif get_origin(kind) is dict:
            kind = get_args(kind)[-1]
    return keys, holder


def _of_kind(union: Any, name: int | str) -> type[BaseModel] | None:
    """The model of a union that has `name` among the values that tell them apart."""
    for model in get_args(get_args(union)[0]):
        if isinstance(model, type) and issubclass(model, BaseModel):
            literals = (field.annotation for field in model.model_fields.values())
            if any(name in get_args(one) for one in literals if get_origin(one) is Literal):
                return model
    return None
