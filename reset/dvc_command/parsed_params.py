"""params.yaml is parsed once, not once per stage, and a parameter is looked up by its keys, not by a walk."""

import os
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any


def parse_params_once() -> None:
    """Keep the content of params.yaml while the file stays as it is."""
    from dvc.dependency import param
    from dvc.fs import localfs

    original, parsed = param.load_path, dict[Any, Any]()

    def load_path(path: str, fs: Any, **kwargs: Any) -> Any:
        if fs.protocol != localfs.protocol or not os.path.isfile(path):
            return original(path, fs, **kwargs)
        there = os.stat(path)
        key = (path, there.st_mtime_ns, there.st_size, there.st_ino)
        if key not in parsed:
            parsed[key] = original(path, fs, **kwargs)
        return parsed[key]

    param.load_path = load_path
    param.dpath = SimpleNamespace(**{**vars(param.dpath), "get": by_keys(param.dpath.get)})


def by_keys(original: Any) -> Any:
    """Return DVC's look-up of a parameter, which visits every key and item of the file, with a way past that."""

    def get(content: Any, path: str, separator: str) -> Any:
        found = content
        for key in path.split(separator):
            if not isinstance(found, Mapping) or key not in found or set(key) & {*"*?["}:
                return original(content, path, separator=separator)  # an item of a list, a pattern, or not there
            found = found[key]
        return found

    return get
