"""params.yaml is parsed once, not once per stage."""

import os
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
