from reset.sources.cnn_dailymail import CnnDailyMail

ROW = {"id": "f0a1", "article": "(CNN) A long story.", "highlights": "First point .\nSecond point ."}


def test_highlights_are_joined_with_blanks(example):
    made = example(CnnDailyMail(), ROW)
    assert (made.id, made.task, made.passages, made.references) == (
        "f0a1",
        "summarization",
        ["(CNN) A long story."],
        ["First point . Second point ."],
    )


def test_line_breaks_can_be_kept(example):
    assert example(CnnDailyMail(line_breaks=True), ROW).references == ["First point .\nSecond point ."]
