"""The reference says something of every key, command and column, and says it of the code as it is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.generate import commands, comments, params, plugins, scales, tables
from docs.generate.keys import ROW, Key, every_key, matches
from reset import registry
from reset.cli.main import COMMANDS
from reset.files import schemas
from reset.scoring.evaluate import SCORES
from tests.support import ROOT

pytestmark = pytest.mark.slow

CONF = ROOT / "conf"


@pytest.fixture(scope="module")
def keys() -> list[Key]:
    return every_key(CONF)


@pytest.fixture(scope="module")
def composed() -> dict[str, dict[str, Any]]:
    return scales.compose(CONF)


def paths(tree: Any, under: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, value in tree.items() if isinstance(tree, dict) else ():
        yield (*under, name)
        yield from paths(value, (*under, name))


def test_every_key_has_a_meaning(keys: list[Key]) -> None:
    assert len({key.name for key in keys}) > 150
    assert [key.name for key in keys if len(key.meaning) < 4] == []


def test_every_key_that_a_scale_sets_is_described(keys: list[Key], composed: dict[str, dict[str, Any]]) -> None:
    known = [key.path for key in keys]
    leaves = [key.path for key in keys if key.leaf]
    rows = {path[: n + 1] for path in known for n, part in enumerate(path) if part == ROW}
    for content in composed.values():
        for path in paths(content):
            inside = any(matches(leaf, path[: len(leaf)]) for leaf in leaves)
            assert inside or any(matches(one, path) for one in [*known, *rows]), path


def test_keys_have_their_places_in_the_paper(keys: list[Key]) -> None:
    named = {key.name: key.sources for key in keys}
    assert named["recipes.<name>.epochs"] == ("paper A.3",)
    assert named["judge.max_null"] == ("paper silent",)
    assert named["report.similar"] == ("paper 4, Figure 7",)


def test_a_default_is_the_composed_value_of_each_scale(keys: list[Key], composed: dict[str, dict[str, Any]]) -> None:
    key = {key.name: key for key in keys}
    assert scales.value(key["sample.max_tokens"], composed["paper"]) == "`480`"
    assert scales.value(key["recipes.<name>.sft_weight"], composed["micro"]).startswith("`0.")
    assert "`16` (context)" in scales.value(key["recipes.<name>.batch_size"], composed["paper"])


def test_the_committed_parameters_are_among_the_composed_ones(composed: dict[str, dict[str, Any]]) -> None:
    assert composed["micro"] == yaml.safe_load((ROOT / "params.yaml").read_text())


def test_pages_of_params_have_every_key(keys: list[Key]) -> None:
    text = "\n".join(params.pages(CONF).values())
    assert [key.name for key in keys if f"# `{key.name}`" not in text] == []


def test_every_command_is_shown_by_its_help() -> None:
    (text,) = commands.pages().values()
    for name in COMMANDS:
        assert f"## `reset-lm {name}`" in text and f"Usage: reset-lm {name}" in text


def test_every_column_has_a_meaning() -> None:
    made = tables.all_tables()
    assert {"EXAMPLES", "MIXTURES", "CURATED", "ANSWERS", "VERDICTS", "SCORES"} <= made.keys() == tables.FILES.keys()
    assert {name: [one.name for one in columns] for name, columns in made.items()} == {
        name: getattr(schemas, name, SCORES).names for name in made
    }
    assert [f"{name}.{one.name}" for name, columns in made.items() for one in columns if not one.meaning] == []


@pytest.mark.parametrize("kind", plugins.TABLES)
def test_every_plug_in_is_documented(kind: str) -> None:
    (text,) = plugins.pages().values()
    for name, plug_in in plugins.TABLES[kind].items():
        assert f"### `{name}`" in text
        assert plugins.documentation(*plug_in.split(":")), plug_in


def test_options_that_rows_set_are_among_those_of_their_plug_in(composed: dict[str, dict[str, Any]]) -> None:
    for content in composed.values():
        for row in content["datasets"].values():
            plug_in = registry.SOURCES[row["source"]].split(":")
            assert row["options"].keys() <= {name for name, _, _ in plugins.options(plug_in[0], plug_in[1])}, row


def test_a_comment_belongs_to_the_key_of_its_line_or_of_the_next(tmp_path: Path) -> None:
    file = tmp_path / "some.yaml"
    file.write_text("# head\na: 1 # one\n# of b\nb:\n  c: {d: '#', e: 2} # paper 5.1\n  f: 0\n")
    assert comments.of_keys(file) == {("a",): "one", ("b",): "of b", ("b", "c"): "paper 5.1"}
