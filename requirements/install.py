"""Install the sets of pins that are named: `python requirements/install.py [--cuda] base no-deps torch`.

`uv` installs them, in a minute where pip needs seven: it reads and unpacks many packages at a time. Where it cannot,
pip does, and this is said. pip does it, too, where it has been told of another package index, which uv does not know.

`torch` has no hashes, because its build depends on the machine: the CPU build on Linux where no NVIDIA GPU is found,
else the default one of the package index, which brings 3 GB of CUDA's libraries on Linux. The CPU builds lie on an
index of PyTorch's own, which uv knows by name. Where that cannot be reached, the default build is taken, and this is
said. `--cuda` takes it on a machine without a GPU, such as the login node of a cluster.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PIP = (sys.executable, "-m", "pip", "install", "--quiet")
UV = (str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet", "--python", sys.executable)
ALONE = "--no-deps"  # all pins are there
PINNED = (ALONE, "--require-hashes")
NEITHER = "torch: the index of CPU builds cannot be reached; taking the default build, with CUDA's libraries on Linux"


def pip_is_told_of_an_index() -> bool:
    """Say whether pip's settings or environment name another package index than the public one."""
    told = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)
    return re.search(r"^\S+\.index-url=", told.stdout, flags=re.MULTILINE) is not None


def cpu_is_wanted() -> bool:
    """Say whether this is a Linux machine without an NVIDIA driver."""
    driver = shutil.which("nvidia-smi") or Path("/proc/driver/nvidia/version").exists()
    return sys.platform == "linux" and not driver and "--cuda" not in sys.argv


def by_uv(*arguments: str) -> str | None:
    """Run `uv`; return None where it worked, else the last line of what it said."""
    command, few = (*UV, *arguments), {**os.environ, "UV_HTTP_RETRIES": "1"}
    done = subprocess.run(command, env=few, capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["no reason given"])[-1].strip()


def install(*arguments: str) -> None:
    """Install by uv, or by pip where uv cannot or may not."""
    if not pip_is_told_of_an_index():
        if (why := by_uv(*arguments)) is None:
            return
        print(f"uv could not install ({why}): pip does, which takes some minutes", flush=True)
    subprocess.run([*PIP, *arguments], check=True)


def main() -> None:
    """Install uv itself, then the sets of the command line."""
    subprocess.run([*PIP, *PINNED, "-r", str(HERE / "uv.txt")], check=True)
    names = [name for name in sys.argv[1:] if not name.startswith("--")]
    if pinned := [f"-r{HERE / name}.txt" for name in names if name != "torch"]:
        install(*PINNED, *pinned)
    if "torch" in names:
        torch = f"-r{HERE / 'torch.txt'}"
        if cpu_is_wanted() and by_uv(ALONE, "--torch-backend", "cpu", torch) is None:
            return
        if cpu_is_wanted():
            print(NEITHER, flush=True)
        install(torch)  # and what it needs of CUDA


if __name__ == "__main__":
    main()
