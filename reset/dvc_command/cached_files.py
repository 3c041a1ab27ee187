"""A damaged file of DVC's cache is found by its hash."""


def hash_cached_files() -> None:
    """Let DVC compare a file of its cache with its hash before use, once after each change of its size or time.

    DVC 3.67 trusts every file there that has the mode 0444, whatever it holds. A damaged one is deleted, and what it
    held is made again.
    """
    from dvc_data.hashfile.db import HashFileDB
    from dvc_data.hashfile.db.local import LocalHashFileDB

    LocalHashFileDB.check = HashFileDB.check  # type: ignore[method-assign]
