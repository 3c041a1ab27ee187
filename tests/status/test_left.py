"""What a run still costs: a judge keeps its price per answer."""

from collections.abc import Callable
from pathlib import Path

import pytest

from reset import params
from reset.llm import Question
from reset.llm.ledger import Ledger
from reset.status.left import Work, dollars
from tests.llm.conftest import DECODING
from tests.llm.test_ledger import BASE, REPLY

pytestmark = pytest.mark.slow
A_CENT = 0.01


def test_dollars_of_a_judge_follow_from_the_pools_that_it_has_rated(
    composed: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESET_LEDGER", str(tmp_path / "replies.sqlite"))
    p = params.load(composed("paper"))
    work = Work(p)
    rated = {name: pool for name, (judge, pool) in work.judged.items() if judge == "rater"}
    assert dollars(p, work, rated, None).judges_left is None  # nothing has been rated
    with Ledger(tmp_path / "replies.sqlite") as ledger:
        for judge, pool, usd in (("rater", "base", A_CENT * work.answers["base"]), ("another", "base", 5.0)):
            ledger.put(Question(judge, "strong", "Rate it.", DECODING), REPLY, pool=pool, base_url=BASE, usd=usd)
    left = {name: pool for name, pool in rated.items() if pool != "base"}
    found = dollars(p, work, left, 7200.0)
    assert found.spent == pytest.approx(A_CENT * work.answers["base"]) and found.spent > 0
    assert found.judges_left == pytest.approx(A_CENT * sum(work.answers[pool] for pool in left.values()))
    assert p.plan is None and found.machine_left is None  # no plan, no price of an hour
    assert dollars(p, work, [], None).judges_left == 0
