"""Numbers of the command line are told and taken as a reader means them."""

from typing import Any

import pytest
from click.testing import CliRunner

from reset.checking.findings import Finding
from reset.checking.run import Report
from reset.cli.check import text
from reset.cli.main import main
from reset.report import tradeoff_page

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("number", ["nan", "inf", "-1.0"])
def test_what_is_no_number_of_days_is_refused_in_one_line(number: str) -> None:
    done = CliRunner().invoke(main, ["tidy", "--dry-run", "--store", number])
    assert done.exit_code == 2
    assert f"Invalid value for '--store': {number} is " in done.output and "x>=0" in done.output


def test_one_error_is_no_errors() -> None:
    one = Finding("error", "a", "b", "c")
    assert "check: scale micro: 1 error, 0 warnings, 0 not looked at" in text(Report("micro", 0.1, (one,)))
    assert "2 errors" in text(Report("micro", 0.1, (one, one)))


@pytest.mark.parametrize(
    ("clear", "said"), [(0, "; none of them differs clearly."), (3, "; of those that differ clearly 2 of 3.")]
)
def test_an_order_of_systems_that_no_pair_tells_is_said_in_words(clear: int, said: str) -> None:
    counts = {"alike": 2, "pairs": 4, "clear": clear, "clear_alike": 2 if clear else 0}
    content: dict[str, Any] = {
        "varied": [],
        "chosen": {"weights": {}},
        "meet": [],
        "trained": {"agreement": {"task": counts}},
    }
    _, text_ = tradeoff_page.notes(content)
    assert text_ == f"task: 2 of 4 pairs of systems in the predicted order{said}"
