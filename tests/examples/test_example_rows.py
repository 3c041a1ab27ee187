"""Line ends of an example's texts."""

import pytest

from reset.examples.example_rows import example_row
from reset.sources import Example


@pytest.mark.parametrize(
    ("text", "row"), [("a\r\nb", "a\nb"), ("a\rb\r", "a\nb\n"), ("\r\r\n\n", "\n\n\n"), ("a", "a")]
)
def test_line_ends_become_line_feeds_in_every_text_of_a_prompt_or_response(text, row):
    example = Example("1", "abstractive_qa", text, question=text, passages=[text, "p"], references=[text], checks=text)
    made = example_row(example, "mine", "test")
    assert [made["instruction"], made["question"], *made["passages"], *made["references"]] == [row, row, row, "p", row]
    assert made["checks"] == text
