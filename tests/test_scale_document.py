"""The arithmetic of docs/scale.md: its results follow from its inputs and formulas, its inputs from the parameters."""

import re

import pytest
from transformers import AlbertConfig, DebertaV2Config

from reset.params import load
from reset.planning.nli_work import pair_flop
from tests.support import ROOT

pytestmark = pytest.mark.slow

TEXT = (ROOT / "docs/scale.md").read_text()
INPUTS = {name: float(value) for name, value in re.findall(r"^\| `(\w+)` \| ([\d.]+) \|", TEXT, flags=re.MULTILINE)}
FORMULAS = dict(re.findall(r"^    (\w+) += (.+)$", TEXT, flags=re.MULTILINE))

_WIDE = {"embedding_size": 128, "hidden_size": 2048, "intermediate_size": 8192, "num_attention_heads": 16}
ALBERT_XLARGE = AlbertConfig(**_WIDE, num_hidden_layers=24)  # Lan et al. 2020, Table 1
DEBERTA_BASE = DebertaV2Config(  # He et al. 2021, v3: 12 layers of width 768
    **{"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12},
    **{"relative_attention": True, "position_buckets": 256, "pos_att_type": ["p2c", "c2p"], "share_att_key": True},
    **{"norm_rel_ebd": "layer_norm", "vocab_size": 1000},
)


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
    assert len(FORMULAS) == 6


def test_inputs_that_name_the_scale_are_its_own(composed):
    p, rater = load(composed("paper")), load(composed("paper raters=gpt")).judges["rater"].options
    prompt, reply = rater["server"]["prices_usd"][rater["model"]]
    assert (INPUTS["rating_usd_in"], INPUTS["rating_usd_out"]) == (prompt, reply)
    assert INPUTS["answers"] == len(p.decode["intent"].temperatures) == len(p.decode["intent"].top_ks)
    rows = p.prompts["candidates"].rows
    instructions = sum(count for name, count in rows.items() if name in p.mixtures["if"].parts["instructions"])
    assert INPUTS["rated"] == instructions / sum(rows.values())
    assert INPUTS["entailed"] == (rows["ms_marco"] + rows["cnn_dailymail"]) / sum(rows.values())


@pytest.mark.parametrize(("model", "config"), [("pair_gflop", ALBERT_XLARGE), ("small_gflop", DEBERTA_BASE)])
def test_the_arithmetic_of_a_pair_is_that_of_the_model_s_configuration(model, config, tmp_path):
    config.save_pretrained(tmp_path)
    assert INPUTS[model] == pytest.approx(pair_flop(tmp_path, int(INPUTS["pair_tokens"])) / 1e9, rel=0.01)


def test_hours_of_the_text_follow_from_the_inputs():
    pairs, tflop_per_s, *hours = (
        float(number)
        for number in re.search(
            r"(\d+) million pairs at (\d+) TFLOP/s take ([\d.]+) hours, on eight GPUs ([\d.]+), "
            r"with the smaller model ([\d.]+); in float32 at 19.5 TFLOP/s they would take ([\d.]*\d)",
            " ".join(TEXT.split()),
        ).groups()
    )
    assert tflop_per_s == INPUTS["nli_tflop_per_s"]
    one = pairs * 1e6 * INPUTS["pair_gflop"] / 1e3 / 3600
    small = pairs * 1e6 * INPUTS["small_gflop"] / 1e3 / 3600
    expected = [one / tflop_per_s, one / tflop_per_s / 8, small / tflop_per_s, one / 19.5]
    assert hours == pytest.approx(expected, abs=0.06)
