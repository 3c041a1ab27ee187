from reset.sources.sharegpt import ShareGPT

TEN = "one two three four five six seven eight nine ten"
ROW = {"instruction": "Count.", "input": "", "output": f"{TEN} eleven"}


def test_response_of_eleven_words_is_kept(example):
    assert example(ShareGPT(), ROW).references == [f"{TEN} eleven"]


def test_response_of_ten_words_is_set_aside(reason):
    assert reason(ShareGPT(), {**ROW, "output": f"  {TEN}\n"}) == "response of 10 words or fewer"


def test_word_limit_is_an_option(reason):
    assert reason(ShareGPT(min_words=11), ROW) == "response of 11 words or fewer"


def test_row_with_input_is_set_aside(reason):
    assert reason(ShareGPT(), {**ROW, "input": "to ten"}) == "has an input"


def test_conversation_becomes_a_row_per_answered_turn():
    turns = [
        ("system", "Be kind."),
        ("human", "Hi"),
        ("gpt", "Hello"),
        ("human", "Why?"),
        ("human", "Well?"),
        ("bing", "So."),
    ]
    document = {"id": "c1", "conversations": [{"from": who, "value": said} for who, said in turns]}
    rows = [(row["id"], row["instruction"], row["output"]) for row in ShareGPT().unpack(document)]
    assert rows == [("c1_0", "Hi", "Hello"), ("c1_1", "Well?", "So.")]


def test_conversation_without_an_answer_is_counted_as_an_empty_row(reason):
    document = {"id": "c2", "conversations": {"from": ["human"], "value": ["Anyone?"]}}
    (row,) = ShareGPT().unpack(document)
    assert reason(ShareGPT(), row) == "empty instruction"
