"""What of a run's parameters may leave the machine: no secret, no path of the machine, no address of a server."""

import re
from collections.abc import Mapping
from typing import Any

from reset.tracking.figures import SECRETS

PATH = re.compile(r"(/|~|\.\.(/|$)|[A-Za-z]:[\\/]|file:)")
SERVER = re.compile(r"(url|urls|address|proxy|host|hostfile)$")
LOCAL, HIDDEN = "a local path", "a server"


def public(value: Any, key: str = "") -> Any:
    """Return a parameter as it may be published.

    Absolute paths, and those that leave the project, become `LOCAL`; what a key that ends in `url` or the like holds
    becomes `HIDDEN`; a secret (`reset.tracking.figures.SECRETS`) is left out.
    """
    if isinstance(value, Mapping):
        return {name: public(part, str(name)) for name, part in value.items() if not _secret(str(name))}
    if isinstance(value, list | tuple):
        return [public(part, key) for part in value]
    if not isinstance(value, str):
        return value
    last = key.rpartition(".")[2].lower()
    return HIDDEN if SERVER.search(last) else LOCAL if PATH.match(value) else value


def _secret(name: str) -> bool:
    return name.lower().endswith(SECRETS)
