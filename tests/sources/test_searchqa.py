import pytest

from reset.sources.searchqa import SearchQa

ROW = {
    "key": "17a",
    "question": "This River flows to Hamburg",
    "answers": ["the Elbe"],
    "context": "[DOC] [TLE] Rivers of Europe [PAR] The Elbe \nis long. [DOC] [TLE] No snippet [PAR] "
    "[DOC] [TLE] Ports [PAR] Boats ...",
}


def test_context_is_split_into_snippets_without_titles_and_line_breaks(example):
    made = example(SearchQa(), ROW)
    assert (made.id, made.passages) == ("17a", ["The Elbe is long.", "Boats ..."])
    assert made.question == "this river flows to hamburg"


def test_document_cut_off_in_its_title_has_no_snippet(example):
    assert example(SearchQa(), {**ROW, "context": ROW["context"] + " [DOC] [TLE] Cut o"}).passages[-1] == "Boats ..."


def test_answer_in_a_title_alone_does_not_count(reason):
    row = {**ROW, "context": "[DOC] [TLE] The Elbe [PAR] A river."}
    assert reason(SearchQa(), row) == "no passage holds the answer"


@pytest.mark.parametrize(
    "results",
    [
        [{"snippet": None, "title": "t"}, {"snippet": "Elbe \n water", "title": None}],
        {"snippets": ["", "Elbe \n water"], "titles": ["t", ""], "urls": ["u", "v"], "related_links": ["", ""]},
    ],
)
def test_original_file_is_read_in_both_forms(example, results):
    made = example(SearchQa(), {"id": 3, "question": "Q", "answer": "Elbe", "search_results": results})
    assert (made.id, made.passages, made.references) == ("3", ["Elbe water"], ["Elbe"])


def test_retrieval_results_are_read_as_well(example):
    row = {"question": "Q", "answers": ["Elbe"], "ctxs": [{"text": "The Elbe."}]}
    assert example(SearchQa(), row).passages == ["The Elbe."]
