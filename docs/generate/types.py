"""Types of params.yaml in plain words."""

from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

NAMES = {str: "text", int: "whole number", float: "number", bool: "true or false", NoneType: "null", Any: "anything"}
LIMITS = {
    "gt": "above {}",
    "ge": "at least {}",
    "lt": "below {}",
    "le": "at most {}",
    "min_length": "at least {} entries",
}


def words(kind: Any, metadata: Any = ()) -> str:
    """Return an annotation and its limits in words: "whole number, at least 1, or null"."""
    origin, inner = get_origin(kind), get_args(kind)
    if isinstance(kind, FieldInfo):
        return words(kind.annotation, kind.metadata)
    if origin is Annotated:
        return words(inner[0], [*_flat(inner[1:]), *metadata])
    if origin in (Union, UnionType):
        return _union(inner, metadata)
    return ", ".join([_plain(kind, origin, inner), *limits(metadata)])


def limits(metadata: Any) -> list[str]:
    """Return what pydantic checks of a value, such as "at least 1"."""
    return [said.format(getattr(one, name)) for one in metadata for name, said in LIMITS.items() if hasattr(one, name)]


def _flat(metadata: Any) -> list[Any]:
    return [each for one in metadata for each in (one.metadata if isinstance(one, FieldInfo) else [one])]


def _union(inner: Any, metadata: Any) -> str:
    some = [words(one, metadata) for one in inner if one is not NoneType]
    return ", or ".join([*dict.fromkeys(some), *(["null"] if NoneType in inner else [])])


def _plain(kind: Any, origin: Any, inner: Any) -> str:
    if origin is Literal:
        return " or ".join(f"`{str(one).lower() if isinstance(one, bool) else one}`" for one in inner)
    if origin is list:
        return f"list of: {words(inner[0])}"
    if origin is dict:
        return f"table: {words(inner[0])} → {words(inner[1])}"
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return "section"
    return NAMES.get(kind, getattr(kind, "__name__", str(kind)))
