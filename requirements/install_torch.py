"""Install torch: the CPU build on Linux where no NVIDIA GPU is found, else the default one of the package index.

On Linux the default build brings 3 GB of CUDA libraries. The CPU builds lie on an index of PyTorch's own, which `uv`
knows by name. Where that cannot be reached, the default build is taken, and this is said. `--cuda` takes the default
build on a machine without a GPU, such as the login node of a cluster.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
PIP = (sys.executable, "-m", "pip", "install", "--quiet", "--no-warn-conflicts")
NEITHER = "torch: the index of CPU builds cannot be reached; taking the default build, with CUDA's libraries on Linux"


def cpu_is_wanted() -> bool:
    """Say whether this is a Linux machine without an NVIDIA driver."""
    driver = shutil.which("nvidia-smi") or Path("/proc/driver/nvidia/version").exists()
    return sys.platform == "linux" and not driver and "--cuda" not in sys.argv


def install_cpu_build() -> bool:
    """Try the CPU build, with `uv` from a folder that is removed again; say whether it worked."""
    with tempfile.TemporaryDirectory() as folder:
        uv = (*PIP, "--target", folder, "--require-hashes", "--no-deps", "-r", str(HERE / "uv.txt"))
        subprocess.run(uv, check=True)
        command = (Path(folder) / "bin/uv", "pip", "install", "--quiet", "--python", sys.executable, "--no-deps")
        done = subprocess.run(
            [*command, "--torch-backend", "cpu", "-r", HERE / "torch.txt"],
            env={**os.environ, "UV_HTTP_RETRIES": "1"},
            capture_output=True,
            check=False,
        )
    return done.returncode == 0


if __name__ == "__main__":
    if not (cpu_is_wanted() and install_cpu_build()):
        if cpu_is_wanted():
            print(NEITHER)
        subprocess.run([*PIP, "-r", HERE / "torch.txt"], check=True)
