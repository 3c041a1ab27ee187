from reset.sources.alpaca import Alpaca

ROW = {"instruction": "Name a colour.", "input": "", "output": "Red.", "text": "Below is ..."}


def test_row_without_input_is_kept(example):
    made = example(Alpaca(), ROW)
    assert (made.instruction, made.references) == ("Name a colour.", ["Red."])


def test_row_with_input_is_set_aside(reason):
    assert reason(Alpaca(), {**ROW, "input": "a rainbow"}) == "has an input"


def test_kept_input_is_a_passage(example):
    assert example(Alpaca(keep_input=True), {**ROW, "input": "a rainbow"}).passages == ["a rainbow"]


def test_blank_output_stays_without_reference(example):
    assert example(Alpaca(), {**ROW, "output": " "}).references == []


def test_id_depends_on_text_alone(example):
    assert example(Alpaca(), ROW).id == example(Alpaca(), dict(reversed(ROW.items()))).id
