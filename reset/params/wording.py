"""Turn pydantic's errors about params.yaml into one line each: the key, what it must be, the nearest known name."""

import re
from types import UnionType
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, Tag

from reset.errors import nearest, shown, unfit


def describe(error: Any, root: type[BaseModel]) -> str:
    """Describe one of `ValidationError.errors()` of the model `root` in a line."""
    keys, holder = _keys_and_holder(error["loc"], root)
    key = ".".join(keys)
    if error["type"].startswith("union_tag"):  # in a table whose rows have several types
        return _describe_tag(error, key)
    if error["type"] == "invalid_key" or (keys[-1:] == ["[key]"] and error["type"] != "literal_error"):
        return f"{key.removesuffix('.[key]')}: a key must be a text (it is {shown(error['input'])})"
    if keys[-1:] == ["[key]"]:  # in a table whose keys are fixed
        known = re.findall(r"'(\w+)'", error["ctx"]["expected"])
        return f"unknown key '{key.removesuffix('.[key]')}'. {nearest(keys[-2], known)}"
    return unfit(error, key, getattr(holder, "model_fields", ()))


def _describe_tag(error: Any, key: str) -> str:
    """Describe a missing or unknown tag: the value (`method` or `pick`) that says which type a row has."""
    tag_name = error["ctx"]["discriminator"].strip("'")
    key = f"{key}.{tag_name}"
    if error["type"] == "union_tag_not_found":
        return f"key '{key}' is missing"
    tag, known = error["ctx"]["tag"], re.findall(r"'(\w+)'", error["ctx"]["expected_tags"])
    return f"{key}: no {tag_name} '{tag}'. {nearest(tag, known)}"


def _keys_and_holder(location: tuple[int | str, ...], root: type[BaseModel]) -> tuple[list[str], Any]:
    """The keys that lead to `location`, and the type that holds the last key.

    If a table's rows have several types, pydantic puts the tag into the location, where it is not a key.
    """
    annotation: Any = root
    keys, holder = [], annotation
    for part in location:
        if (member := _tagged(annotation, part)) is not None:
            annotation = member
            continue
        if get_origin(annotation) is Annotated and (model := _model_with_tag(annotation, part)):
            annotation = model
            continue
        keys.append(str(part))
        holder = annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            field = annotation.model_fields.get(str(part))
            annotation = field.annotation if field else None
            is_optional = get_origin(annotation) is UnionType  # a section or null
            annotation = get_args(annotation)[0] if is_optional else annotation
        elif get_origin(annotation) is dict:
            annotation = get_args(annotation)[-1]
    return keys, holder


def _tagged(union: Any, tag: int | str) -> Any:
    """The type in a union, told apart by a function, that has the `Tag` of that name; None if there is none."""
    plain = get_args(union)[0] if get_origin(union) is Annotated else union
    for member in get_args(plain):
        if get_origin(member) is Annotated and any(isinstance(one, Tag) and one.tag == tag for one in get_args(member)):
            return get_args(member)[0]
    return None


def _model_with_tag(union: Any, tag: int | str) -> type[BaseModel] | None:
    """The model of a tagged union that has `tag` among the values of a literal field."""
    for model in get_args(get_args(union)[0]):
        if isinstance(model, type) and issubclass(model, BaseModel):
            annotations = (field.annotation for field in model.model_fields.values())
            if any(tag in get_args(annotation) for annotation in annotations if get_origin(annotation) is Literal):
                return model
    return None
