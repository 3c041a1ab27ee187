"""Plug-ins are imported when used; a wrong name or key is one line that says what would be right."""

import importlib
import inspect
import subprocess
import sys

import pytest

from reset import registry
from reset.errors import ResetError
from reset.judges.rubric import Rubric
from tests.support import ROOT

TABLES = {"source": registry.SOURCES, "judge": registry.JUDGES, "base model": registry.BASES}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, table in TABLES.items() for name in table])
def test_every_name_leads_to_a_class(kind, name):
    assert isinstance(registry.load(TABLES[kind], name, kind), type)


def test_the_transformers_engine_is_a_class_and_the_vllm_module_exists():
    assert isinstance(registry.load(registry.ENGINES, "transformers", "engine"), type)
    assert importlib.util.find_spec(registry.ENGINES["vllm"].partition(":")[0])


def test_an_unknown_name_names_the_nearest():
    with pytest.raises(ResetError) as raised:
        registry.load(registry.ENGINES, "vlm", "engine")
    assert raised.value.message == "Unknown engine 'vlm'. Did you mean 'vllm'? Known: openai, transformers, vllm"


def test_a_plug_in_is_built_with_its_options():
    assert isinstance(registry.build(registry.JUDGES, "rubric", "judges.rater", name="rater"), Rubric)


def test_an_unknown_key_is_named_with_its_place_and_the_nearest():
    with pytest.raises(ResetError) as raised:
        registry.build(registry.JUDGES, "rubric", "judges.rater.options", name="rater", nam="rater")
    assert raised.value.message == (
        "params.yaml: unknown key 'judges.rater.options.nam'. Did you mean 'name'? Known: name"
    )


def test_missing_keys_are_named():
    with pytest.raises(ResetError, match=r"^params\.yaml: datasets\.nq\.options lacks kind, rows, seed, noise$"):
        registry.build(registry.SOURCES, "micro", "datasets.nq.options")


@pytest.mark.parametrize(
    ("table", "name", "options", "said"),
    [
        (
            "ENGINES",
            "transformers",
            {"batch": "eight", "dtype": "auto"},
            "batch: Input should be a valid integer (it is 'eight')",
        ),
        (
            "ENGINES",
            "transformers",
            {"batch": True, "dtype": "auto"},
            "batch: Input should be a valid integer (it is True)",
        ),
        ("JUDGES", "summac", {"batch_tokens": 5.5}, "batch_tokens: Input should be a valid integer (it is 5.5)"),
        ("JUDGES", "lexical", {"more": "k_precision"}, "more: "),
        ("BASES", "hub", {"id": 7, "revision": None}, "id: Input should be a valid string (it is 7)"),
    ],
)
def test_an_option_of_another_type_is_one_line_with_its_key(table, name, options, said):
    given = {"name": "x", "model": "m", "needs": "n", "seed": 0, "max_doc_sents": 5, "use_contradiction": False}
    plug_in = registry.load(vars(registry)[table], name, "x")
    given = {key: value for key, value in given.items() if key in inspect.signature(plug_in).parameters}
    with pytest.raises(ResetError) as raised:
        registry.build(vars(registry)[table], name, "here", **(given | options))
    assert raised.value.message.startswith(f"params.yaml: here.{said}")


@pytest.mark.parametrize(
    "module",
    [
        "reset",
        "reset.registry",
        "reset.params",
        "reset.sampling.sample",
        "reset.examples.mix",
        "reset.examples.draw",
        "stages.sample",
    ],
)
def test_light_modules_import_no_heavy_library(module):
    heavy = "torch transformers vllm mlflow datasets deepspeed trl"
    code = f"import sys, {module}; print(*(name for name in '{heavy}'.split() if name in sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""
