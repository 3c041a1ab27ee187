"""What the source text of this repository says of its plug-in tables; nothing is imported."""

import ast
import re
from pathlib import Path

from reset.files.code import tree

PLUG_IN = re.compile(r"((?:reset|stages)(?:\.\w+)+):\w+")


def module_of(plug_in: str) -> str:
    """The module of a plug-in table's "module:Class"."""
    return plug_in.partition(":")[0]


def plug_ins(path: Path) -> set[str]:
    """The modules that a module's own plug-in tables name."""
    texts = {node.value for node in ast.walk(tree(path)) if isinstance(node, ast.Constant)}
    return {match[1] for text in texts if isinstance(text, str) and (match := PLUG_IN.fullmatch(text))}


def registered(path: Path) -> set[str]:
    """The tables of `reset.registry` that a module takes plug-ins from."""
    nodes = (node for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute) and node.attr.isupper())
    return {node.attr for node in nodes if isinstance(node.value, ast.Name) and node.value.id == "registry"}
