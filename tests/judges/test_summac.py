"""SummaC-ZS against a plain loop over pairs of the same model, on an encoder and on a decoder with random weights."""

import json
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import summac.model_summac as reference
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    AlbertConfig,
    AlbertForSequenceClassification,
    AutoModelForSequenceClassification,
    BertConfig,
    BertForSequenceClassification,
    LlamaConfig,
    LlamaForSequenceClassification,
    PreTrainedTokenizerFast,
)

from reset import params
from reset.errors import ResetError
from reset.judges import Answer
from reset.judges.sentences.nli import Nli, label_order
from reset.judges.sentences.texts import source, splitter
from reset.judges.summac import SummaC

pytestmark = pytest.mark.slow

WORDS = [
    *"?.!",
    *re.findall(r"\w+", "the a cat dog bird sat lay slept on mat roof tree all day long night and it was warm"),
]
LABELS = {"contradiction": 0, "NEUTRAL": 1, "Entailment": 2}
PASSAGES = [
    "the cat sat on the mat all day . it was warm . the dog lay on the roof and slept .",
    "a bird sat on a tree .",
]
ANSWERS = [
    "the cat sat on the mat . the dog slept all night long .",
    "a bird slept .",
    "the dog lay on the roof and slept all day long and all night long on the warm mat .",
    "the cat sat on the mat .",
]


def save(folder, kind, labels=LABELS):
    torch.manual_seed(0)
    vocabulary = {word: number for number, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]").save_pretrained(folder)
    size = {"vocab_size": len(vocabulary), "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    heads = {"label2id": labels, "id2label": {number: name for name, number in labels.items()}, "pad_token_id": 0}
    common = {**size, **heads, "intermediate_size": 64, "max_position_embeddings": 64, "initializer_range": 0.5}
    if kind == "albert":
        model = AlbertForSequenceClassification(AlbertConfig(**common, embedding_size=16))
    elif kind == "bert":
        model = BertForSequenceClassification(BertConfig(**common))
    else:
        model = LlamaForSequenceClassification(LlamaConfig(**common))
    model.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module", params=["bert", "llama"])
def model(request, tmp_path_factory):
    return save(tmp_path_factory.mktemp(request.param), request.param)


def judge(model, *, batch_tokens=512, max_doc_sents=100, **options):
    return SummaC(name="summac", model=model, batch_tokens=batch_tokens, max_doc_sents=max_doc_sents, **options)


def answer(text, *, number=0, question="", passages=PASSAGES):
    task = "abstractive_qa" if question else "summarization"
    return Answer(f"a{number}", text, task, "test", "", question, list(passages), [], None)


def answers():
    return [answer(text, number=number) for number, text in enumerate(ANSWERS)]


def scores(one, asked):
    return {verdict.answer_id: verdict.score for verdict in one.verdicts(asked)}


def one_by_one(model, one):
    """What SummaC-ZS is by its definition: each pair alone, no padding; (entailment, contradiction), each in [0, 1]."""
    nli = Nli(model, batch_tokens=1)
    cut = splitter("untrained").tokenize
    given = [sentence for sentence in cut(source(one)) if len(sentence) > 10]
    said = [sentence for sentence in cut(one.text) if len(sentence) > 10]
    with torch.inference_mode():
        table = np.array(
            [
                [nli._model(**_inputs(nli, premise, hypothesis)).logits[0].softmax(-1).tolist() for premise in given]
                for hypothesis in said
            ]
        )  # (answer sentences, source sentences, labels)
    return table[:, :, 2].max(axis=1), table[:, :, 0].max(axis=1)


def _inputs(nli, premise, hypothesis):
    encoded = nli._tokenizer(premise, hypothesis, return_tensors="pt")
    return {key: value for key, value in encoded.items() if key in nli._inputs}


def test_score_equals_the_definition_pair_by_pair(model):
    found = scores(judge(model), answers())
    for one in answers():
        assert found[one.answer_id] == pytest.approx(one_by_one(model, one)[0].mean(), abs=2e-6)
    assert len({round(score, 3) for score in found.values()}) == len(ANSWERS)  # a constant model would pass as well


class OldTokenizer:
    """A tokenizer with the method that summac calls, which transformers 5 no longer has."""

    def __init__(self, tokenizer, inputs):
        self._tokenizer, self._inputs = tokenizer, inputs

    def batch_encode_plus(self, pairs, *, truncation_strategy, **options):
        firsts, seconds = zip(*pairs, strict=True)
        encoded = self._tokenizer(list(firsts), list(seconds), **options)
        return {key: value for key, value in encoded.items() if key in self._inputs}


@pytest.mark.parametrize("use_contradiction", [False, True])
def test_score_equals_that_of_summacs_own_loop(model, use_contradiction, monkeypatch):
    monkeypatch.setattr(reference.nltk.tokenize, "sent_tokenize", splitter("untrained").tokenize)
    theirs = reference.SummaCZS(
        granularity="sentence", use_con=use_contradiction, imager_load_cache=False, use_cache=False, device="cpu"
    )
    nli = Nli(model, batch_tokens=1)
    theirs.imager.model, theirs.imager.tokenizer = nli._model, OldTokenizer(nli._tokenizer, nli._inputs)
    theirs.imager.max_input_length = 64
    theirs.imager.entailment_idx, theirs.imager.contradiction_idx, theirs.imager.neutral_idx = 2, 0, 1
    expected = theirs.score([source(one) for one in answers()], [one.text for one in answers()])["scores"]
    found = scores(judge(model, use_contradiction=use_contradiction), answers())
    assert list(found.values()) == pytest.approx([max(score, 0) for score in expected], abs=2e-6)


def test_contradiction_is_subtracted_on_request_and_cut_off_at_zero(model):
    found = scores(judge(model, use_contradiction=True), answers())
    for one in answers():
        entailed, contradicted = one_by_one(model, one)
        assert found[one.answer_id] == pytest.approx(max((entailed - contradicted).mean(), 0), abs=2e-6)


@pytest.mark.parametrize("batch_tokens", [1, 40, 100_000])
def test_score_depends_on_no_padding_and_no_neighbour(model, batch_tokens):
    together = scores(judge(model, batch_tokens=batch_tokens), answers())
    alone = {key: value for one in answers() for key, value in scores(judge(model), [one]).items()}
    assert together == pytest.approx(alone, abs=2e-6)


def test_order_of_answers_changes_nothing(model):
    assert scores(judge(model), answers()) == scores(judge(model), answers()[::-1])


def test_each_distinct_pair_is_scored_once(model):
    nli = Nli(model, batch_tokens=1)
    calls = []
    nli._model.register_forward_pre_hook(lambda module, args: calls.append(1))
    found = nli.probabilities(
        [("the cat sat", "a dog sat"), ("the cat sat", "a dog sat"), ("a dog sat", "the cat sat")]
    )
    assert len(calls) == len(found) == 2


def test_joined_tokens_are_those_of_the_tokenizers_own_pairs_cut_at_the_limit_too(model):
    nli = Nli(model, batch_tokens=512)
    pairs = [(given, said) for given in (*PASSAGES, "bird", "cat " * 70) for said in (*ANSWERS, "it was warm " * 30)]
    found = nli._encoded(pairs)
    expected = nli._tokenizer(*map(list, zip(*pairs, strict=True)), truncation=True, max_length=64)
    for name, rows in found.items():
        assert rows == expected[name]
    assert max(map(len, found["input_ids"])) == 64


def test_evidence_names_the_best_source_sentence_of_each_answer_sentence(model):
    (verdict,) = judge(model).verdicts([answers()[0]])
    evidence = verdict.detail["sentences"]
    assert [row["sentence"] for row in evidence] == ["the cat sat on the mat .", "the dog slept all night long ."]
    assert {row["source"] for row in evidence} <= set(splitter("untrained").tokenize(source(answers()[0])))
    assert np.mean([row["entailment"] for row in evidence]) == pytest.approx(verdict.score, abs=2e-6)


def test_question_stands_before_the_passages():
    assert (
        source(answer("", question="a cat ?", passages=["on the mat .", "warm ."])) == "a cat ?\non the mat .\nwarm ."
    )
    assert source(answer("", passages=["on the mat ."])) == "on the mat ."


def test_only_the_first_source_sentences_count(model):
    short = judge(model, max_doc_sents=1)
    first = judge(model)
    one = answer(ANSWERS[1])
    assert scores(short, [one]) == scores(first, [answer(ANSWERS[1], passages=["the cat sat on the mat all day ."])])


@pytest.mark.parametrize("text", ["", "  \n"])
def test_empty_answer_scores_zero_with_a_reason(model, text):
    (verdict,) = judge(model).verdicts([answer(text)])
    assert (verdict.score, verdict.reason) == (0.0, "empty answer")


def test_answer_of_short_sentences_is_scored_as_one(model):
    (verdict,) = judge(model).verdicts([answer("it sat . ! ")])
    assert [row["sentence"] for row in verdict.detail["sentences"]] == ["it sat . !"]
    assert verdict.score > 0


def test_example_without_passage_is_null(model):
    (verdict,) = judge(model).verdicts([answer("a cat sat .", passages=[])])
    assert (verdict.score, verdict.reason) == (None, "the example has no passage")


UNNAMED = {0: "LABEL_0", 1: "LABEL_1"}


def named(label2id):
    return {number: name for name, number in label2id.items()}


def test_labels_are_found_by_name_in_any_case():
    assert label_order(named(LABELS), "m") == [2, 0, 1]
    assert label_order({0: "SUPPORTS", 1: "REFUTES", 2: "NOT ENOUGH INFO"}, "m") == [0, 1, 2]
    with pytest.raises(ResetError, match=r"m: no label 'entailment' in the model's id2label; it has LABEL_0, LABEL_1"):
        label_order(UNNAMED, "m")


def test_labels_that_the_model_does_not_name_are_a_parameter():
    assert label_order({1: "entailment", 0: "not_entailment"}, "m") == [1, None, None]
    assert label_order(UNNAMED, "m", {"entailment": "LABEL_1"}) == [1, None, None]
    assert label_order(UNNAMED, "m", {"entailment": 0, "contradiction": 1}, ["contradiction"]) == [0, 1, None]
    assert label_order(named(LABELS), "m", {"entailment": "contradiction", "contradiction": "Entailment"}) == [0, 2, 1]
    with pytest.raises(ResetError, match=r"m: no label 'contradiction' .*, as in \{contradiction: entailment\}"):
        label_order({0: "entailment", 1: "not_entailment"}, "m", needed=["entailment", "contradiction"])


@pytest.mark.parametrize("labels", [{"entails": 0}, {"entailment": 2}, {"entailment": "LABEL_9"}])
def test_a_label_that_cannot_be_is_told(labels):
    with pytest.raises(ResetError, match=r"m: `labels` of its judge says .*; it has LABEL_0, LABEL_1"):
        label_order(UNNAMED, "m", labels)


@pytest.mark.parametrize(
    ("id2label", "labels"), [({0: "entailment"}, {}), (UNNAMED, {"entailment": 0, "contradiction": 0})]
)
def test_a_model_needs_two_labels_and_each_its_own_column(id2label, labels):
    with pytest.raises(ResetError, match="m: an NLI model has at least two labels, each with a column of its own"):
        label_order(id2label, "m", labels)


def test_two_labels_are_enough_where_contradiction_is_not_used(tmp_path):
    folder = save(tmp_path, "bert", {name: number for number, name in UNNAMED.items()})
    pair = ("the cat sat on the mat .", "a cat sat .")
    probabilities = [
        Nli(folder, batch_tokens=64, labels={"entailment": label}).probabilities([pair])[pair]
        for label in UNNAMED.values()
    ]
    assert [row[1:].tolist() for row in probabilities] == [[0, 0], [0, 0]]
    assert probabilities[0][0] + probabilities[1][0] == pytest.approx(1, abs=2e-6)
    assert 0 < scores(judge(folder, labels={"entailment": "LABEL_1"}), [answer(ANSWERS[0])])["a0"] < 1
    with pytest.raises(ResetError, match="no label 'contradiction'"):
        judge(folder, labels={"entailment": "LABEL_1"}, use_contradiction=True)


CHINESE = "\u6c34\u6cf5\u5728\u5317\u4eac\u7684\u5927\u5385\u91cc\u3002"


@pytest.mark.parametrize(
    ("text", "passages", "reason"),
    [
        (CHINESE, PASSAGES, "language: the model's tokenizer knows too little of the script CJK"),
        (ANSWERS[0], [CHINESE], "language: the model's tokenizer knows too little of the script CJK"),
        ("...", PASSAGES, "the answer has no words"),
        ("\u3002\u3002", PASSAGES, "the answer has no words"),
        (ANSWERS[0], [], "the example has no passage"),
    ],
)
def test_what_the_model_cannot_read_is_null_with_a_reason(model, text, passages, reason):
    (first, second) = judge(model).verdicts([answer(text, passages=passages), answer(ANSWERS[0], number=1)])
    assert (first.score, first.reason) == (None, reason)
    assert second.score == pytest.approx(scores(judge(model), answers())["a0"], abs=2e-6)


def test_any_script_is_judged_on_request(model):
    (verdict,) = judge(model, any_script=True).verdicts([answer(CHINESE, passages=[CHINESE])])
    assert verdict.score is not None
    assert verdict.detail["sentences"][0]["sentence"] == CHINESE


def test_ten_ideographs_are_a_sentence_and_ten_letters_none(model):
    imager = judge(model)._imager
    assert imager.split_sentences("It is so. \u5efa\u4e8e1950\u5e74\u3002\u6c34\u6cf5\u5728\u5317\u4eac\u3002") == [
        "\u5efa\u4e8e1950\u5e74\u3002",
        "\u6c34\u6cf5\u5728\u5317\u4eac\u3002",
    ]
    assert imager.split_sentences("It is so. It was so. It was never so.") == ["It was so.", "It was never so."][1:]


def test_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(ResetError) as error:
        judge(str(tmp_path))
    assert error.value.message.startswith(f"{tmp_path}: no NLI model could be loaded (")
    assert "\n" not in error.value.message


def test_unknown_splitter_names_the_known_ones():
    with pytest.raises(ResetError, match=r"Unknown sentence splitter 'punkt'. .*Known: english, punkt_tab, untrained"):
        splitter("punkt")


@pytest.fixture
def package(model, monkeypatch):
    """summac's own SummaCZS on the same weights, with the splitter that needs no download."""
    monkeypatch.setattr(reference.nltk.tokenize, "sent_tokenize", splitter("untrained").tokenize)
    theirs = reference.SummaCZS(granularity="sentence", imager_load_cache=False, use_cache=False, device="cpu")
    nli = Nli(model, batch_tokens=1)
    theirs.imager.model, theirs.imager.tokenizer = nli._model, OldTokenizer(nli._tokenizer, nli._inputs)
    theirs.imager.max_input_length = 64
    theirs.imager.entailment_idx, theirs.imager.contradiction_idx, theirs.imager.neutral_idx = 2, 0, 1
    return lambda texts: [float(one) for one in theirs.score([source(answer("x"))] * len(texts), texts)["scores"]]


ODD = [*ANSWERS, "it sat .", "cat", "it sat . ! it sat . "]


def test_preset_summac_is_the_packages_score_moved_to_0_to_1(model, package):
    ours = judge(model, preset="summac", sentences="untrained")
    found = scores(ours, [answer(text, number=number) for number, text in enumerate(ODD)])
    assert list(found.values()) == pytest.approx([(score + 1) / 2 for score in package(ODD)], abs=2e-6)
    assert found["a5"] == 0.5  # "cat": nothing is left of it


def test_in_preset_summac_an_empty_answer_beats_a_contradicted_one_and_in_ours_never(tmp_path):
    swapped = {"Entailment": 0, "NEUTRAL": 1, "contradiction": 2}
    folders = [save(tmp_path / str(number), "bert", labels) for number, labels in enumerate((LABELS, swapped))]
    asked = [*answers(), answer("", number=9)]

    def theirs(folder):
        return scores(judge(folder, preset="summac", sentences="untrained"), asked)

    folder = min(folders, key=lambda folder: min(theirs(folder).values()))  # one of the two labellings contradicts
    found = theirs(folder)
    worst = min(found, key=found.__getitem__)
    assert found[worst] < found["a9"] == 0.5
    for options in ({}, {"use_contradiction": True}):
        ours = scores(judge(folder, **options), asked)
        assert ours["a9"] == 0 <= ours[worst]


def test_a_row_may_set_a_key_of_its_preset(model):
    one = answer("it sat .")
    (whole,) = judge(model, preset="summac", sentences="untrained", short="whole").verdicts([one])
    assert [row["sentence"] for row in whole.detail["sentences"]] == ["it sat ."]
    (dropped,) = judge(model, short="drop").verdicts([one])
    assert (dropped.score, dropped.detail) == (0.0, {"sentences": []})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "sumac"}, r"Unknown preset 'sumac' \(judges\.summac\.options\.preset\)\. Did you mean 'summac'"),
        ({"short": "keep"}, r"Unknown short 'keep' \(judges\.summac\.options\.short\)\. .*Known: drop, whole"),
        ({"below_zero": "clip"}, r"Unknown below_zero 'clip' .*Known: cut, shift"),
    ],
)
def test_an_unknown_setting_names_the_known_ones(model, options, message):
    with pytest.raises(ResetError, match=message):
        judge(model, **options)


def test_bfloat16_is_used_where_it_changes_nothing_and_nowhere_else(tmp_path):
    folder = save(tmp_path / "sharp", "bert")
    asked = answers()
    assert scores(judge(folder, dtype="checked"), asked) == scores(judge(folder), asked)  # these weights are too sharp
    blunt = AutoModelForSequenceClassification.from_pretrained(folder)
    torch.nn.init.zeros_(blunt.classifier.weight)  # now every pair scores alike
    blunt.save_pretrained(folder)
    nli, used = Nli(folder, batch_tokens=512, dtype="checked"), []
    nli._bfloat16_model.register_forward_pre_hook(
        lambda module, args, inputs: used.append(inputs["input_ids"].shape), with_kwargs=True
    )
    pairs = [(given, said) for given in PASSAGES for said in ANSWERS]
    nli.probabilities(pairs)
    assert used[: len(used) // 2] == used[len(used) // 2 :] != []  # the sample, here all pairs, then all pairs
    assert nli._bfloat16_model.classifier.weight.dtype == torch.bfloat16


def test_in_bfloat16_only_one_model_is_loaded_and_scores_stay_near(tmp_path):
    folder = save(tmp_path, "bert")
    nli = Nli(folder, batch_tokens=512, dtype="bfloat16")
    assert (nli._model.dtype, nli._bfloat16_model) == (torch.bfloat16, None)
    exact, light = scores(judge(folder), answers()), scores(judge(folder, dtype="bfloat16"), answers())
    assert exact != light
    assert list(light.values()) == pytest.approx(list(exact.values()), abs=0.05)
    with pytest.raises(ResetError, match=r"Unknown dtype 'float16' of the NLI model .*Did you mean 'bfloat16'"):
        Nli(folder, batch_tokens=512, dtype="float16")


VITAMINC = {0: "SUPPORTS", 1: "REFUTES", 2: "NOT ENOUGH INFO"}


@pytest.fixture
def vitaminc(tmp_path):
    """An ALBERT with random weights whose configuration has VitaminC's labels as id2label, and no label2id."""
    folder = Path(save(tmp_path, "albert", {name: number for number, name in VITAMINC.items()}))
    config = json.loads((folder / "config.json").read_text())
    del config["label2id"]
    (folder / "config.json").write_text(json.dumps(config))
    assert AutoModelForSequenceClassification.from_pretrained(folder).config.label2id is None
    return str(folder)


def test_labels_of_the_papers_model_are_read_from_its_id2label(vitaminc, composed):
    options = params.load(composed("paper")).judges["summac"].options
    assert label_order(VITAMINC, "m") == label_order(VITAMINC, "m", options["labels"]) == [0, 1, 2]
    theirs = reference.model_map["vitc"]
    assert (theirs["entailment_idx"], theirs["contradiction_idx"]) == (0, 1)
    pair = ("the cat sat on the mat .", "a cat sat .")
    by_name, by_option = (Nli(vitaminc, batch_tokens=64, labels=labels) for labels in (None, options["labels"]))
    probabilities = by_name.probabilities([pair])[pair]
    assert probabilities.tolist() == by_option.probabilities([pair])[pair].tolist()
    encoded = by_name._tokenizer(*pair, return_tensors="pt")
    expected = by_name._model(**encoded).logits.softmax(dim=-1)[0].tolist()
    assert probabilities.tolist() == pytest.approx(expected, abs=1e-5)  # float32: its last digits hang on the processor


@pytest.fixture
def conv(tmp_path):
    """Random weights for SummaC-Conv, as a file and in summac's own class."""
    theirs = reference.SummaCConv(models=["vitc"], bins="percentile", imager_load_cache=False, device="cpu")
    save_file(theirs.state_dict(), tmp_path / "conv.safetensors")
    return tmp_path / "conv.safetensors", theirs


def test_conv_score_equals_that_of_summacs_own_on_the_same_weights(model, conv, monkeypatch):
    path, theirs = conv
    monkeypatch.setattr(reference.nltk.tokenize, "sent_tokenize", splitter("untrained").tokenize)
    nli, (imager,) = Nli(model, batch_tokens=1), theirs.imagers
    imager.model, imager.tokenizer = nli._model, OldTokenizer(nli._tokenizer, nli._inputs)
    imager.max_input_length, imager.use_cache, imager.granularity, imager.grans = 64, False, "sentence", ["sentence"]
    imager.entailment_idx, imager.contradiction_idx, imager.neutral_idx = 2, 0, 1
    many = answer(" ".join(ANSWERS * 4), number=9)  # more than ten sentences
    asked = [*answers(), many]
    expected = theirs.score([source(one) for one in asked], [one.text for one in asked])["scores"]
    found = scores(judge(model, conv=str(path), short="drop"), asked)
    assert list(found.values()) == pytest.approx(expected, abs=2e-6)
    assert len({round(score, 4) for score in expected}) > 1


def test_conv_of_an_empty_answer_is_zero_whatever_the_preset(model, conv):
    (verdict,) = judge(model, conv=str(conv[0]), preset="summac", sentences="untrained").verdicts([answer(" ")])
    assert (verdict.score, verdict.reason) == (0.0, "empty answer")


def test_file_without_conv_weights_is_named(model, tmp_path):
    save_file({"strange": torch.zeros(1)}, tmp_path / "other.safetensors")
    for path in (tmp_path / "other.safetensors", tmp_path / "none.safetensors"):
        with pytest.raises(ResetError, match=rf"{path}: not the weights of SummaC-Conv as safetensors \("):
            judge(model, conv=str(path))


def test_with_a_window_sentences_in_a_row_entail_together(model):
    """By a loop over the pairs of windows and answer sentences."""
    asked = answer(ANSWERS[0])
    (said,) = judge(model, window=2).verdicts([asked])
    split = splitter("untrained").tokenize
    sentences = [one for one in split(source(asked)) if len(one) > 10]
    windows = [f"{first} {second}" for first, second in pairwise(sentences)]
    pairs = {(window, claim) for window in windows for claim in split(asked.text)}
    scores = Nli(model, batch_tokens=512).probabilities(pairs)
    best = [max(scores[window, claim][0] for window in windows) for claim in split(asked.text)]
    assert said.score == pytest.approx(float(np.mean(best)), abs=1e-6)
    assert {row["source"] for row in said.detail["sentences"]} <= {*windows}
    assert scores_of_one(model, window=1) == scores_of_one(model) != scores_of_one(model, window=3)


def scores_of_one(model, **options):
    return scores(judge(model, **options), answers())
