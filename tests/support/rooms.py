"""Count the rooms of a checkout, their circles and the imports that run upward: `python -m tests.support.rooms [DIR]`.

A room is a folder of the library, or a module that lies beside the folders. Rooms stand on floors: each above all that
it imports. Inside a circle there is no such order; the fewest imports whose removal would give one run upward.
"""

import ast
import json
import sys
from itertools import permutations
from pathlib import Path
from statistics import median

import networkx as nx


def modules(checkout: Path) -> dict[str, Path]:
    """Every module of reset/ and stages/, by its dotted name."""
    found = {}
    for path in sorted([*checkout.glob("reset/**/*.py"), *checkout.glob("stages/*.py")]):
        name = ".".join(path.relative_to(checkout).with_suffix("").parts).removesuffix(".__init__")
        found[name] = path
    return found


def room(module: str, known: dict[str, Path]) -> str:
    """The room of a module: `reset.llm` for reset.llm.pace, `reset.errors` for itself."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "reset" else parts[0]


def imports(module: str, known: dict[str, Path]) -> set[str]:
    """The modules that `module` imports when it runs, in functions too, without those for the type checker alone."""
    tree = ast.parse(known[module].read_text(encoding="utf-8"))
    checked = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test).endswith("TYPE_CHECKING")
        for node in ast.walk(block)
    }
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and id(node) not in checked:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in known else node.module)
    return found & known.keys()


def graph(checkout: Path) -> nx.DiGraph:
    """Rooms, with an arrow for each import between two of them; an arrow holds the imports, as (from, to)."""
    known, drawn = modules(checkout), nx.DiGraph()
    for module in known:
        if module == "reset":
            continue
        here = room(module, known)
        drawn.add_node(here)
        for other in imports(module, known) - {"reset"}:
            if (there := room(other, known)) != here:
                drawn.add_edge(here, there)
                drawn.edges[here, there].setdefault("imports", []).append((module, other))
    return drawn


def circles(drawn: nx.DiGraph) -> list[list[str]]:
    """The groups of rooms that import each other in a loop."""
    return [sorted(group) for group in nx.strongly_connected_components(drawn) if len(group) > 1]


def upward(drawn: nx.DiGraph) -> list[tuple[str, str]]:
    """The fewest arrows without which there would be no circle."""
    found = []
    for group in circles(drawn):
        arrows = list(drawn.subgraph(group).edges)
        orders = permutations(group) if len(group) < 8 else [tuple(group)]
        found += min(
            ([(a, b) for a, b in arrows if order.index(a) > order.index(b)] for order in orders), key=len, default=[]
        )
    return found


def lengths(checkout: Path) -> list[int]:
    """Lines of every function, docstring and signature included."""
    nodes = (node for path in modules(checkout).values() for node in ast.walk(ast.parse(path.read_text())))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return sorted((node.end_lineno or 0) - node.lineno + 1 for node in nodes if isinstance(node, kinds))


def main() -> None:
    """Print the counts as one line of JSON."""
    checkout = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()
    drawn, lines = graph(checkout), lengths(checkout)
    counts = {
        "rooms": len(drawn),
        "modules": len(modules(checkout)),
        "arrows": drawn.number_of_edges(),
        "circles": circles(drawn),
        "upward": upward(drawn),
        "functions": len(lines),
        "median": median(lines),
        "90th percentile": lines[int(len(lines) * 0.9)],
        "longest": lines[-1],
    }
    print(json.dumps(counts))


if __name__ == "__main__":
    main()
