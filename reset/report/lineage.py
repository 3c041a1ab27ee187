"""Which system was made of which, and the families that share a colour: all that descend from one first training."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from reset.checkpoint_names import AT, system

START = "start"  # the family of starting models, drawn grey
# distinguishable by the colour-blind, and of a contrast of 3 or more on white and on the dark ground
PALETTE = ("#3b7dd8", "#d9730d", "#1f9d6b", "#c74b8f", "#7d6bd6", "#0f97a8", "#a3733f")
GREY = "#7b818c"  # of starting models, and of families beyond the palette


@dataclass(frozen=True)
class Lineage:
    """What each evaluated system descends from."""

    parents: Mapping[str, str] = field(default_factory=dict)  # system -> the nearest evaluated one it was made of
    families: Mapping[str, str] = field(default_factory=dict)  # pool -> the first system of its line, or START
    checkpoints: frozenset[str] = frozenset()  # evaluated on the way of a training, not at its end

    def family(self, name: str) -> str:
        """Return the family of a system; that of an undeclared one is its own."""
        return self.families.get(name, name)

    def order(self, systems: Sequence[str]) -> list[str]:
        """Return the families of `systems` as they are declared, starting models last: so each keeps its colour."""
        present = dict.fromkeys(map(self.family, systems))
        found = dict.fromkeys([*(name for name in self.families.values() if name in present), *present])
        return [*(name for name in found if name != START), *(name for name in found if name == START)]

    def places(self, systems: Sequence[str]) -> dict[str, int]:
        """Map systems, and all others whose family is known, to the number of their family's colour.

        Only families of `systems` have colours. The number is an index of PALETTE, or its length for grey.
        """
        colours = {name: place for place, name in enumerate(self.order(systems)) if name != START}
        names = dict.fromkeys([*systems, *self.families])
        return {name: min(colours.get(self.family(name), len(PALETTE)), len(PALETTE)) for name in names}


def colour(place: int) -> str:
    """Return the colour of a family by its number."""
    return PALETTE[place] if place < len(PALETTE) else GREY


def lineage(models: Mapping[str, str], inits: Mapping[str, str], evaluated: Collection[str]) -> Lineage:
    """Return the lineage of pools: `models` maps a pool to its model, `inits` a system to what it began with.

    Only pools in `evaluated` are systems of the report; of the others the family is told.
    """
    shown = {pool: model for pool, model in models.items() if pool in evaluated}
    pools = {model: pool for pool, model in shown.items()}
    parents = {
        pool: above
        for pool, model in shown.items()
        if (above := next((pools[one] for one in _above(model, inits) if one in pools), None))
        and not models[above].startswith("base/")
    }
    halfway = frozenset(pool for pool, model in shown.items() if AT in model)
    return Lineage(parents, {pool: _first(model, inits) for pool, model in models.items()}, halfway)


def _above(model: str, inits: Mapping[str, str]) -> list[str]:
    """The models that `model` descends from, the nearest first."""
    found: list[str] = []
    while (init := inits.get(system(model))) and init not in found:
        found.append(init)
        model = init
    return found


def _first(model: str, inits: Mapping[str, str]) -> str:
    line = [model, *_above(model, inits)]
    return next((system(one) for one in reversed(line) if not one.startswith("base/")), START)
