from reset.sources.clapnq import ClapNq

ROW = {
    "id": "65607",
    "input": "how do bees dance",
    "passages": [{"title": "Bee", "text": "Bees waggle .", "sentences": ["Bees waggle ."]}],
    "output": [{"answer": "They waggle.", "meta": {}}, {"answer": "By waggling.", "meta": {}}],
}


def test_every_answer_is_a_reference(example):
    made = example(ClapNq(), ROW)
    assert (made.id, made.question, made.passages) == ("65607", "how do bees dance", ["Bees waggle ."])
    assert made.references == ["They waggle.", "By waggling."]


def test_unanswerable_question_is_set_aside(reason):
    assert reason(ClapNq(), {**ROW, "output": [{"answer": None, "meta": None}]}) == "unanswerable"
    assert reason(ClapNq(), {**ROW, "output": [{"answer": ""}]}) == "unanswerable"


def test_unanswerable_question_has_the_reply_that_is_asked_for(example):
    made = example(ClapNq(unanswerable="Not said."), {**ROW, "output": [{"answer": ""}]})
    assert (made.references, made.checks) == (["Not said."], '{"answerable": false}')
    told = example(ClapNq(unanswerable="Not said."), ROW)
    assert (told, told.checks) == (example(ClapNq(), ROW), None)
