"""The arithmetic of docs/scale.md: its results follow from its inputs and formulas, its inputs from the parameters."""

import re

import pytest

from reset.params import load
from tests.support import ROOT

TEXT = (ROOT / "docs/scale.md").read_text()
INPUTS = {name: float(value) for name, value in re.findall(r"^\| `(\w+)` \| ([\d.]+) \|", TEXT, flags=re.MULTILINE)}
FORMULAS = dict(re.findall(r"^    (\w+) += (.+)$", TEXT, flags=re.MULTILINE))


def table():
    head, *rows = re.findall(r"^\| (prompts \|.*|[\d,]+ \|.*) \|$", TEXT, flags=re.MULTILINE)
    return [dict(zip(head.split(" | "), row.replace(",", "").split(" | "), strict=True)) for row in rows]


def test_every_figure_of_the_table_follows_from_the_inputs():
    assert [row["prompts"] for row in table()] == ["10000", "1000000", "100000000"]
    for row in table():
        known = {**INPUTS, "prompts": float(row["prompts"])}
        for name, formula in FORMULAS.items():
            known[name] = eval(formula, {"__builtins__": {}}, known)
            assert float(row[name]) == pytest.approx(known[name], rel=0.05, abs=0.005), name
    assert len(FORMULAS) == 5


def test_inputs_that_name_the_scale_are_its_own(composed):
    p = load(composed("paper"))
    prompt, reply = p.judges["rater"].options["server"]["prices_usd"]["gpt-4-0613"]
    assert (INPUTS["rating_usd_in"], INPUTS["rating_usd_out"]) == (prompt, reply)
    assert INPUTS["answers"] == len(p.decode["intent"].temperatures) == len(p.decode["intent"].top_ks)
    rows = p.prompts["candidates"].rows
    instructions = sum(count for name, count in rows.items() if name in p.mixtures["if"].parts["instructions"])
    assert INPUTS["rated"] == instructions / sum(rows.values())
    assert INPUTS["entailed"] == (rows["ms_marco"] + rows["cnn_dailymail"]) / sum(rows.values())
