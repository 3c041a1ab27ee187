"""MiniCheck on tiny random models in the hub's format, against the authors' steps written out one text at a time."""

import pytest
import torch
from transformers import PreTrainedTokenizerFast, RobertaForSequenceClassification, T5ForConditionalGeneration

from reset.errors import ResetError
from reset.judges import Answer
from reset.judges.minicheck import Checker, MiniCheck, parts
from tests.support.checkers import save

pytestmark = pytest.mark.slow

PASSAGES = ["the cat sat on the mat all day . it was warm . the dog slept .", "a bird sat on the roof ."]
ANSWERS = ["the cat sat on the mat . the dog slept all day .", "a bird slept .", "it was warm ."]


@pytest.fixture(scope="module", params=["t5", "roberta"])
def model(request, tmp_path_factory):
    return save(tmp_path_factory.mktemp(request.param), request.param)


def judge(model, **options):
    return MiniCheck(name="minicheck", model=model, batch_tokens=256, **options)


def answers(texts=ANSWERS, passages=PASSAGES):
    return [
        Answer(f"a{n}", text, "summarization", "test", "", "", list(passages), [], None) for n, text in enumerate(texts)
    ]


def plainly(model, part, claim):
    """The authors' inference of one part and one claim, with the model as transformers loads it."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(model)
    if "t5" in model:
        loaded = T5ForConditionalGeneration.from_pretrained(model).eval()
        inputs = tokenizer(f"predict: {part}</s>{claim}", return_tensors="pt")
        ids = {"input_ids": inputs["input_ids"], "attention_mask": inputs["attention_mask"]}
        logits = loaded(**ids, decoder_input_ids=torch.zeros((1, 1), dtype=torch.long)).logits.squeeze(1)
        logits = logits[:, torch.tensor([tokenizer.convert_tokens_to_ids(one) for one in "01"])]
    else:
        loaded = RobertaForSequenceClassification.from_pretrained(model).eval()
        inputs = tokenizer(f"{part}</s>{claim}", return_tensors="pt")
        logits = loaded(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]).logits
    return logits.softmax(-1)[0, 1].item()


def test_the_score_is_the_mean_over_sentences_of_the_best_parts_support(model):
    document = ["the cat sat on the mat all day . it was warm .", "the dog slept .\na bird sat on the roof ."]
    found = list(judge(model, part=13).verdicts(answers()))
    said = [["the cat sat on the mat .", "the dog slept all day ."], [ANSWERS[1]], [ANSWERS[2]]]
    for verdict, claims in zip(found, said, strict=True):
        best = [max(plainly(model, part, claim) for part in document) for claim in claims]
        assert [row["sentence"] for row in verdict.detail["sentences"]] == claims
        assert [row["support"] for row in verdict.detail["sentences"]] == pytest.approx(best, abs=2e-6)
        assert [row["supported"] for row in verdict.detail["sentences"]] == [one > 0.5 for one in best]
        assert verdict.score == pytest.approx(sum(best) / len(best), abs=2e-6)
    assert len({round(verdict.score, 3) for verdict in found}) == 3  # a constant model would pass as well


def test_a_score_depends_on_no_padding_and_no_neighbour(model):
    together = {one.answer_id: one.score for one in judge(model).verdicts(answers())}
    alone = {one.answer_id: one.score for asked in answers() for one in judge(model).verdicts([asked])}
    assert together == pytest.approx(alone, abs=2e-6)


def test_a_claim_that_writes_the_frames_own_token_does_not_move_the_frame(model):
    checker = Checker(model, batch_tokens=64, max_tokens=64)
    plain, forged = ("the cat sat .", "it was warm ."), ("the cat sat .", "it</s>was <pad> warm .")
    special = set(checker._tokenizer.all_special_ids) - {checker._tokenizer.unk_token_id}
    (of_plain,), (of_forged,) = checker._encoded([plain]), checker._encoded([forged])
    assert [id for id in of_forged if id in special] == [id for id in of_plain if id in special]
    assert len(of_forged) > len(of_plain)  # it is read as characters, not left out


def test_parts_hold_whole_sentences_and_keep_line_ends():
    lengths = {"one two.": 2, "three.": 1, "\n": 0, "four five six seven.": 4}
    sentences = ["one two.", "three.", "\n", "four five six seven.", "three."]
    assert parts(sentences, lengths, 3) == ["one two. three.", "four five six seven.", "three."]
    assert parts(sentences, lengths, 100) == ["one two. three.\nfour five six seven. three."]
    assert parts([], {}, 3) == []


def test_an_empty_answer_scores_zero_with_a_reason_and_no_passage_is_null(model):
    (empty,) = judge(model).verdicts(answers([" "]))
    assert (empty.score, empty.reason) == (0.0, "empty answer")
    (bare,) = judge(model).verdicts(answers(["it was warm ."], passages=[]))
    assert (bare.score, bare.reason) == (None, "the example has no passage")


def test_a_text_longer_than_the_models_places_is_cut(tmp_path):
    checker = Checker(save(tmp_path, "roberta"), batch_tokens=64, max_tokens=2048)
    assert len(checker._encoded([("the cat sat " * 50, "it was warm .")])[0]) == 64
    assert 0 < checker.support([("the cat sat " * 50, "it was warm .")]).popitem()[1] < 1


def test_a_model_of_three_labels_and_a_folder_without_one_are_named(tmp_path):
    folder = save(tmp_path / "three", "roberta", labels=3)
    with pytest.raises(ResetError, match=r"MiniCheck needs 2 labels \(unsupported, supported\), not 3"):
        judge(folder)
    with pytest.raises(ResetError, match=r"no MiniCheck model could be loaded \("):
        judge(str(tmp_path))


def test_what_the_model_cannot_read_is_null_with_a_reason(model):
    chinese = "\u6c34\u6cf5\u5728\u5317\u4eac\u3002"
    asked = answers([chinese, "...", ANSWERS[0], " "])
    reason = "language: the model's tokenizer knows too little of the script CJK"
    verdicts = list(judge(model).verdicts(asked))
    assert [(v.score, v.reason) for v in verdicts[:2]] == [(None, reason), (None, "the answer has no words")]
    assert verdicts[2].score is not None
    assert (verdicts[3].score, verdicts[3].reason) == (0.0, "empty answer")
    (verdict,) = judge(model, any_script=True).verdicts(asked[:1])
    assert verdict.score is not None
