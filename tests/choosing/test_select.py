"""Choosing the best answer per prompt: the paper's score, what cannot win, ties, shares and figures."""

from math import exp

import pytest

from reset.choosing import curated_rows, select
from reset.choosing.candidates import Bars, Candidate, choose, draw, margin
from reset.choosing.combining import Rule
from reset.choosing.select import keep_best
from reset.errors import ResetError
from reset.files import schemas, tables
from reset.looping import loops
from reset.objectives import read
from tests.support.paper_objectives import OBJECTIVES, declared, paper


def example(example_id, dataset="nq", task="extractive_qa"):
    fields = {
        "split": "train",
        "instruction": "Answer.",
        "question": "who?",
        "passages": ["Ann."],
        "references": ["Ann"],
    }
    return {"example_id": example_id, "dataset": dataset, "task": task, "checks": None, **fields}


class Pool:
    """Answers, verdicts and prompts in files, and `keep_best` on them."""

    def __init__(self, folder):
        self.folder, self.answers, self.verdicts, self.examples = folder, [], [], []

    def add(self, example_id, candidates, dataset="nq", task="extractive_qa"):
        """`candidates`: (text, {verdict name: score}, sweep), and the finish reason if it is not "stop"."""
        self.examples.append(example(example_id, dataset, task))
        for number, (text, said, sweep, *finish) in enumerate(candidates):
            identity = f"{example_id}|{number}"
            row = {"answer_id": identity, "example_id": example_id, "dataset": dataset, "task": task, "system": "mtl"}
            row |= {"setting": f"t{number}", "sweep": sweep, "temperature": 0.1, "top_k": 0, "seed": 1, "text": text}
            reason = finish[0] if finish else "stop"
            self.answers.append(row | {"tokens": 2, "finish_reason": reason, "mean_logprob": None})
            for name, score in said.items():
                reason = None if score is not None else "could not tell"
                self.verdicts.append(
                    {"answer_id": identity, "name": name, "score": score, "reason": reason, "detail": None}
                )

    def keep(self, **options):
        paths = [self.folder / name for name in ("answers", "verdicts", "prompts", "curated")]
        tables.write(paths[0], schemas.ANSWERS, self.answers)
        tables.write(paths[1], schemas.VERDICTS, self.verdicts)
        tables.write(paths[2], schemas.EXAMPLES, self.examples)
        settings = {"sweeps": 1, "pick": "best", "share": 1.0, "seed": 0, "template": "micro", "rating": "rating"}
        settings |= {"objectives": OBJECTIVES, "bars": Bars(), "rule": Rule(), **options}
        account, figures = keep_best(paths[0], [paths[1]], paths[2], paths[3], **settings)
        return account, figures, list(tables.read(paths[3], curated_rows.SCHEMAS[settings["pick"]]))


@pytest.fixture
def pool(tmp_path):
    return Pool(tmp_path)


def qa(match, span):
    return {"exact_match": match, "span_coverage": span}


def test_score_is_task_plus_twice_faithfulness_or_twice_instruction(pool):
    pool.add("q", [("Ann", qa(1.0, 0.0), 0), ("Bob", qa(0.0, 1.0), 0), ("Cy", qa(0.0, 0.0), 0)])
    pool.add("i", [("no", {"rating": 0.3}, 0), ("yes", {"rating": 0.9}, 0)], "dolly", "instruction")
    account, _, (question, instruction) = pool.keep()
    assert (question["response"], question["score"], question["margin"]) == ("Bob", 2.0, 1.0)
    assert question["objectives"] == {"faithfulness": 1.0, "task": 0.0}
    assert (instruction["response"], instruction["score"]) == ("yes", 1.8)
    assert instruction["objectives"] == {"instruction": 0.9}
    assert account.as_dict() == {"rows_in": 2, "rows_out": 2, "set_aside": {}}


def test_curated_row_can_be_trained_on(pool):
    pool.add("q", [("Ann", qa(1.0, 1.0), 0)])
    _, _, (row,) = pool.keep()
    assert row["prompt"][row["context_start"] : row["context_end"]] == "Passage: Ann."
    assert (row["answer_id"], row["setting"], row["sweep"], row["repeat"]) == ("q|0", "t0", 0, 0)
    assert (row["candidates"], row["margin"]) == (1, None)


def test_other_weights_change_the_winner(pool):
    pool.add("q", [("Ann", qa(1.0, 0.0), 0), ("Bob", qa(0.0, 1.0), 0)])
    _, _, (row,) = pool.keep(objectives=paper(faithfulness={"weight": 0.5}))
    assert row["response"] == "Ann"


def test_candidate_without_a_needed_verdict_cannot_win_and_is_counted(pool):
    pool.add("q", [("Ann", {"span_coverage": 1.0}, 0), ("Bob", qa(1.0, None), 0), ("Cy", qa(0.0, 0.0), 0)])
    _, figures, (row,) = pool.keep()
    assert row["response"] == "Cy"
    assert figures["candidates_barred"] == {"no faithfulness score": 1, "no task score": 1}


def test_objective_without_weight_is_not_needed(pool):
    pool.add("q", [("Ann", {"span_coverage": 1.0}, 0), ("Bob", qa(1.0, 0.0), 0)])
    _, _, (row,) = pool.keep(objectives=paper(task={"weight": 0.0}))
    assert (row["response"], row["objectives"]) == ("Ann", {"faithfulness": 1.0})


@pytest.mark.parametrize("pick", ["best", "random"])
@pytest.mark.parametrize("empty", [" \n", "\u200b\ufeff "])
def test_empty_answer_never_wins(pool, pick, empty):
    pool.add("q", [(empty, qa(1.0, 1.0), 0), ("Cy", qa(0.0, 0.0), 0)])
    _, figures, (row,) = pool.keep(pick=pick)
    assert row["response"] == "Cy"
    assert figures["candidates_barred"] == {"empty answer": 1}


def test_prompts_without_a_winner_are_set_aside_with_the_reason(pool):
    pool.add("q", [("", qa(1.0, 1.0), 0), ("Bob", qa(None, 1.0), 0)])
    pool.add("r", [])
    pool.add("s", [("Ann", qa(1.0, 1.0), 0)])
    account, _, rows = pool.keep()
    assert [row["example_id"] for row in rows] == ["s"]
    assert account.as_dict()["set_aside"] == {
        "no answer can win: empty answer, no task score": 1,
        "no answer in the pool": 1,
    }


def test_only_the_first_sweeps_compete(pool):
    pool.add("q", [("Cy", qa(0.0, 0.0), 0), ("Ann", qa(1.0, 1.0), 1)])
    assert pool.keep(sweeps=1)[2][0]["response"] == "Cy"
    assert pool.keep(sweeps=2)[2][0]["response"] == "Ann"


def test_weaker_rating_takes_the_place_of_the_rating(pool):
    said = [{"rating": 0.9, "rating_weak": 0.1}, {"rating": 0.2, "rating_weak": 1.0}]
    pool.add("i", [("a", said[0], 0), ("b", said[1], 0)], "dolly", "instruction")
    assert pool.keep(rating="rating")[2][0]["response"] == "a"
    assert pool.keep(rating="rating_weak")[2][0]["response"] == "b"


def candidate(identity, score, text="x"):
    row = {"answer_id": identity, "text": text}
    return Candidate(row, {}, score, None)


def test_ties_go_to_the_smallest_hash_of_seed_and_id_in_any_order():
    tied = [candidate(f"q|{number}", 1.0) for number in range(9)]
    for seed in range(5):
        expected = min((one.row["answer_id"] for one in tied), key=lambda identity: draw(seed, identity))
        assert choose(tied, "best", seed).row["answer_id"] == expected
        assert choose(tied[::-1], "best", seed).row["answer_id"] == expected
    assert len({choose(tied, "best", seed).row["answer_id"] for seed in range(20)}) > 3


def test_random_pick_ignores_the_scores_and_is_seeded():
    able = [candidate(f"q|{number}", float(number)) for number in range(4)]
    picks = [choose(able, "random", seed).row["answer_id"] for seed in range(200)]
    assert picks == [choose(able[::-1], "random", seed).row["answer_id"] for seed in range(200)]
    assert all(30 < picks.count(f"q|{number}") < 70 for number in range(4))


def test_margin_is_over_the_best_answer_of_another_text():
    winner = candidate("a", 2.0, "Ann")
    assert margin(winner, [winner, candidate("b", 2.0, "Ann"), candidate("c", 0.5, "Bob")]) == 1.5
    assert margin(winner, [winner, candidate("b", 2.0, "Ann"), candidate("d", None, "Bob")]) is None


def test_share_keeps_the_best_scored_prompts_of_each_data_set(pool):
    for number in range(8):
        pool.add(f"q{number}", [("Ann", qa(0.0, number / 10), 0)])
    for number in range(4):
        pool.add(f"i{number}", [("a", {"rating": 1 - number / 10}, 0)], "dolly", "instruction")
    account, figures, rows = pool.keep(share=0.25)
    assert [row["example_id"] for row in rows] == ["q6", "q7", "i0"]
    assert account.as_dict()["set_aside"] == {"outside the kept share": 9}
    assert {name: one["rows"] for name, one in figures["datasets"].items()} == {"dolly": 1, "nq": 2}


@pytest.mark.parametrize("pick", ["best", "random", "pairs", "best_overall"])
@pytest.mark.parametrize(("share", "kept"), [(0.15, 1), (0.35, 2), (0.5, 2), (0.7, 4), (0.99, 5)])
def test_a_share_of_five_prompts_is_rounded_to_the_nearest_number_not_down(pool, pick, share, kept):
    for number in range(5):
        pool.add(f"q{number}", [("Ann", qa(1.0, 1.0), 0), ("Bob", qa(0.0, number / 10), 0, "length")])
    assert len(pool.keep(share=share, pick=pick)[2]) == kept


def test_share_of_a_random_pick_is_random_too(pool):
    for number in range(40):
        pool.add(f"q{number}", [("Ann", qa(0.0, number / 40), 0)])
    _, _, rows = pool.keep(share=0.5, pick="random")
    assert len(rows) == 20
    assert min(row["score"] for row in rows) < 0.5
    assert rows == pool.keep(share=0.5, pick="random")[2]


def test_a_random_control_without_the_filter_draws_from_what_it_bars(pool):
    for number in range(40):
        pool.add(f"q{number}", [("Ann", qa(1.0, 1.0), 0), ("Bob and", qa(0.0, 0.0), 0, "length")])
    assert {row["response"] for row in pool.keep(pick="random")[2]} == {"Ann"}
    _, figures, rows = pool.keep(pick="random", bars=Bars("keep", "keep"))
    cut = sum(row["response"] == "Bob and" for row in rows)
    assert figures["let_in"] == {"truncated": cut} and 10 < cut < 30


def test_figures_say_what_the_choice_did(pool):
    pool.add("q", [("Ann", qa(1.0, 1.0), 0), ("Bob", qa(0.0, 0.0), 0), ("Ann", qa(1.0, 1.0), 0)])
    pool.add("r", [("Bob", qa(0.0, 1.0), 0), ("Bob", qa(0.0, 1.0), 0)])
    _, figures, rows = pool.keep()
    assert figures["datasets"]["nq"] == {
        "rows": 2,
        "winner_score": 2.5,
        "candidate_score": 2.0,
        "distinct_texts": 1.5,
        "choice_matters": 0.5,
        "least_bad": 0,
        "low": {"faithfulness": {"zero": 0, "below": 0}, "task": {"zero": 1, "below": 1}},
        "best_of": [2.0, 2.5, 2.5],  # of q, two of three candidates are the best, and any two hold one
    }
    assert figures["candidates"] == 5
    assert sum(figures["wins"].values()) == len(rows) == 2


def test_verdict_on_an_unknown_answer_is_named(pool):
    pool.add("q", [("Ann", qa(1.0, 1.0), 0)])
    pool.verdicts.append({"answer_id": "lost|0", "name": "rating", "score": 1.0, "reason": None, "detail": None})
    with pytest.raises(ResetError, match=r"verdict 'rating' on unknown answer 'lost\|0'"):
        pool.keep()


def test_second_verdict_of_one_name_is_named(pool):
    pool.add("q", [("Ann", qa(1.0, 1.0), 0)])
    pool.verdicts.append(pool.verdicts[0])
    with pytest.raises(ResetError, match=r"a second verdict 'exact_match' on answer 'q\|0'"):
        pool.keep()


def test_answer_to_an_unknown_prompt_is_named_and_leaves_no_file(pool):
    pool.add("q", [("Ann", qa(1.0, 1.0), 0)])
    pool.examples.clear()
    with pytest.raises(ResetError, match=r"answers example 'q', which is not in .*prompts"):
        pool.keep()
    assert not (pool.folder / "curated").exists()


def test_task_that_no_objective_has_is_named(pool):
    pool.add("q", [("Ann", qa(1.0, 1.0), 0)])
    with pytest.raises(ResetError, match=r"answer 'q\|0' is of task 'extractive_qa', which no objective has"):
        pool.keep(objectives=read({"instruction": declared()["instruction"]}))


def test_pair_is_the_best_answer_against_the_worst(pool):
    pool.add(
        "q", [("Bob", qa(0.0, 0.5), 0), ("Ann", qa(1.0, 1.0), 0), ("Cy", qa(0.0, 0.0), 0), ("Dan", qa(1.0, 0.0), 0)]
    )
    account, figures, (row,) = pool.keep(pick="pairs", margin=0.5)
    assert (row["response"], row["score"], row["answer_id"]) == ("Ann", 3.0, "q|1")
    assert (row["rejected"], row["rejected_score"], row["rejected_answer_id"]) == ("Cy", 0.0, "q|2")
    assert (row["rejected_setting"], row["rejected_sweep"], row["margin"]) == ("t2", 0, 2.0)
    assert (account.rows_in, figures["rows"]) == (1, 1)


SPREAD = {"Ann": 1.0, "Bob": 0.75, "Cy": 0.5, "Dan": 0.0}


def test_several_pairs_of_a_prompt_are_those_of_the_widest_gaps(pool):
    pool.add("q", [(text, qa(0.0, value), 0) for text, value in SPREAD.items()])
    pool.add("r", [("Ann", qa(0.0, 0.5), 0), ("Bob", qa(0.0, 0.5), 0)])
    pool.add("s", [("Ann", qa(0.0, 0.5), 0), ("Bob", qa(0.0, 0.0), 0, "length"), ("Ann", qa(0.0, 0.4), 0)])
    _, figures, rows = pool.keep(pick="pairs", margin=0.8, per_prompt=3)
    assert [(row["example_id"], row["response"], row["rejected"], row["repeat"]) for row in rows] == [
        ("q", "Ann", "Dan", 0),
        ("q", "Bob", "Dan", 1),
        ("q", "Ann", "Cy", 2),
        ("s", "Ann", "Bob", 0),
    ]
    assert [row["score"] - row["rejected_score"] for row in rows] == [2.0, 1.5, 1.0, 1.0]
    assert figures["pairs"] == {
        "rows": 4,
        "dropped": {"more than per_prompt": 1, "scores do not differ by the margin": 3},
    }
    one = pool.keep(pick="pairs", margin=0.8)
    assert [row["answer_id"] for row in one[2]] == [row["answer_id"] for row in rows if not row["repeat"]]
    assert "pairs" not in one[1]


def test_pairs_of_prompts_outside_the_share_are_counted(pool):
    for name, value in (("good", 1.0), ("fair", 0.8)):
        pool.add(name, [("Ann", qa(1.0, value), 0), ("Bob", qa(0.0, 0.0), 0), ("Cy", qa(0.0, 0.5), 0)])
    _, figures, rows = pool.keep(pick="pairs", share=0.5, per_prompt=2)
    assert {row["example_id"] for row in rows} == {"good"}
    assert figures["pairs"] == {"rows": 2, "dropped": {"more than per_prompt": 1, "outside the kept share": 3}}


@pytest.mark.parametrize("combine", ["lexicographic", "pareto", "log_sigmoid"])
def test_the_first_pair_is_the_same_however_many_there_are_and_no_better_answer_is_rejected(pool, combine):
    pool.add("q", [(f"{a}{b}", qa(a, b), 0) for a in (0.0, 0.4, 1.0) for b in (0.1, 0.5, 0.9)])
    first = pool.keep(pick="pairs", rule=Rule(combine))[2]
    rows = pool.keep(pick="pairs", rule=Rule(combine), per_prompt=50)[2]
    assert (rows[0]["answer_id"], rows[0]["rejected"]) == (first[0]["answer_id"], first[0]["rejected"])
    assert all(row["score"] > row["rejected_score"] for row in rows)
    assert len({(row["response"], row["rejected"]) for row in rows}) == len(rows) > 20


def test_answers_that_tie_or_are_too_close_give_no_pair(pool):
    pool.add("tied", [("Ann", qa(1.0, 1.0), 0), ("Bob", qa(1.0, 1.0), 0)])
    pool.add("alone", [("Ann", qa(1.0, 1.0), 0), ("Ann", qa(1.0, 1.0), 0)])
    pool.add("close", [("Ann", qa(0.0, 0.2), 0), ("Bob", qa(0.0, 0.0), 0)])
    pool.add("apart", [("Ann", qa(0.0, 0.25), 0), ("Bob", qa(0.0, 0.0), 0)])
    account, _, rows = pool.keep(pick="pairs", margin=0.5)
    assert [row["example_id"] for row in rows] == ["apart"]
    assert account.as_dict() == {"rows_in": 4, "rows_out": 1, "set_aside": {"no answers far enough apart": 3}}
    assert {row["example_id"] for row in pool.keep(pick="pairs", margin=0.0)[2]} == {"close", "apart"}


@pytest.mark.parametrize("pick", ["pairs", "labelled", "weighted"])
def test_answer_without_a_needed_verdict_or_text_never_enters(pool, pick):
    said = [("Ann", qa(1.0, 1.0), 0), ("Bob", qa(0.0, None), 0), (" ", qa(0.0, 0.0), 0), ("Cy", qa(0.0, 0.5), 0)]
    pool.add("q", said)
    pool.add("r", [("Ann", qa(1.0, None), 0), ("Bob", qa(None, 0.0), 0)])
    account, _, rows = pool.keep(pick=pick)
    texts = {row["response"] for row in rows} | {row["rejected"] for row in rows if pick == "pairs"}
    assert texts == {"Ann", "Cy"}
    assert account.as_dict()["set_aside"] == {"no answer can win: no faithfulness score, no task score": 1}


def test_labels_go_by_the_mean_of_the_prompts_answers(pool):
    scores = {"Ann": 1.0, "Bob": 0.55, "Cy": 0.5, "Dan": 0.0}
    pool.add("q", [(text, qa(0.0, score), 0) for text, score in scores.items()])
    pool.add("tied", [("Ann", qa(0.0, 1.0), 0), ("Bob", qa(0.0, 1.0), 0)])
    account, figures, rows = pool.keep(pick="labelled", margin=0.2)  # the mean is 1.025
    assert [(row["response"], row["desirable"], row["repeat"]) for row in rows] == [("Ann", True, 0), ("Dan", False, 1)]
    assert figures["rows"] == 2
    assert account.as_dict()["set_aside"] == {"no answers far enough apart": 1}


def test_weights_are_a_softmax_of_the_scores_and_copies_add_up(pool):
    pool.add("q", [("Ann", qa(0.0, 1.0), 0), ("Bob", qa(0.0, 0.5), 0), ("Bob", qa(0.0, 0.5), 0)])
    pool.add("r", [("Ann", qa(0.0, 0.3), 0)])
    _, _, rows = pool.keep(pick="weighted", temperature=0.5)
    share = exp(2.0 / 0.5) / (exp(2.0 / 0.5) + 2 * exp(1.0 / 0.5))
    assert [(row["response"], row["weight"]) for row in rows] == [
        ("Ann", pytest.approx(share)),
        ("Bob", pytest.approx(1 - share)),
        ("Ann", 1.0),
    ]


def test_cold_weights_are_those_of_the_best_answer_alone(pool):
    pool.add("q", [("Ann", qa(1.0, 1.0), 0), ("Bob", qa(0.0, 0.0), 0)])
    assert [row["weight"] for row in pool.keep(pick="weighted", temperature=1e-3)[2]] == [1.0]


def test_share_keeps_the_prompts_with_the_best_answers_of_those_that_make_rows(pool):
    pool.add("tied", [("Ann", qa(1.0, 1.0), 0), ("Bob", qa(1.0, 1.0), 0)])
    pool.add("good", [("Ann", qa(1.0, 0.9), 0), ("Bob", qa(0.0, 0.0), 0)])
    pool.add("fair", [("Ann", qa(1.0, 0.8), 0), ("Bob", qa(0.0, 0.0), 0)])
    assert [row["example_id"] for row in pool.keep(pick="pairs", share=0.5)[2]] == ["good"]


LOOP = "castle " * 20


def test_an_answer_that_was_cut_off_or_loops_cannot_win_unless_the_row_says_so(pool):
    pool.add("q", [(LOOP, qa(1.0, 1.0), 0), ("Ann and", qa(1.0, 0.9), 0, "length"), ("Cy", qa(0.0, 0.1), 0)])
    _, figures, (row,) = pool.keep()
    assert (row["response"], figures["candidates_barred"]) == ("Cy", {"looping": 1, "truncated": 1})
    assert pool.keep(bars=Bars(truncated="keep"))[2][0]["response"] == "Ann and"
    _, figures, (row,) = pool.keep(bars=Bars("keep", "keep"))
    assert (row["response"], figures["candidates_barred"]) == (LOOP, {})
    assert figures["let_in"] == {"looping": 1}  # allowed, and counted


def test_an_answer_that_never_closes_its_thought_is_not_finished(pool):
    open_thought = "<think>It may be Ann. Or is it"
    pool.add("q", [(open_thought, qa(1.0, 1.0), 0), ("<think>Cy?</think> Cy", qa(0.0, 0.1), 0)])
    _, figures, (row,) = pool.keep()
    assert (row["response"], figures["candidates_barred"]) == ("<think>Cy?</think> Cy", {"ends within a thought": 1})
    assert pool.keep(bars=Bars(truncated="keep"))[2][0]["response"] == open_thought


def test_a_random_choice_is_barred_as_the_best_is(pool):
    pool.add("q", [(LOOP, qa(1.0, 1.0), 0), ("Ann and", qa(1.0, 0.9), 0, "length"), ("Cy", qa(0.0, 0.1), 0)])
    assert {pool.keep(pick="random", seed=seed)[2][0]["response"] for seed in range(10)} == {"Cy"}


def test_no_answer_below_a_floor_wins_and_an_objective_that_a_task_lacks_has_none(pool):
    pool.add("q", [("Ann", qa(1.0, 0.4), 0), ("Cy", qa(0.0, 0.5), 0)])
    pool.add("i", [("no", {"rating": 0.3}, 0)], "dolly", "instruction")
    _, figures, rows = pool.keep(bars=Bars(floor={"faithfulness": 0.5}))
    assert [row["response"] for row in rows] == ["Cy", "no"]
    assert figures["candidates_barred"] == {"faithfulness below 0.5": 1}
    account, _, rows = pool.keep(bars=Bars(floor={"score": 0.7}))
    assert [row["response"] for row in rows] == ["Ann"]
    assert account.as_dict()["set_aside"] == {"no answer can win: score below 0.7": 1}


def test_a_floor_asks_for_a_verdict_that_has_no_weight(pool):
    pool.add("q", [("Ann", qa(1.0, None), 0), ("Cy", qa(0.0, 0.5), 0)])
    _, figures, (row,) = pool.keep(
        objectives=paper(faithfulness={"weight": 0.0}), bars=Bars(floor={"faithfulness": 0.1})
    )
    assert (row["response"], figures["candidates_barred"]) == ("Cy", {"no faithfulness score": 1})


@pytest.mark.parametrize(
    ("text", "looping"),
    [
        (LOOP, True),
        ("The house is old. " + "and so on, and so on, and " * 6, True),
        ("yara wears a soft hat. " * 3, True),
        ("yara wears a soft hat. " * 2, False),
        ("- item\n" * 12, True),
        ("東京は日本の首都です。" * 6, True),
        ("東京は日本の首都です。大阪は西にあり、京都は古い都として知られています。名古屋はその間にあります。", False),
        ("One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen.", False),
        ("No, no, no!", False),
        ("", False),
    ],
)
def test_what_repeats_itself_for_more_than_half_loops_in_any_script(text, looping):
    assert loops(text) is looping


def test_a_long_answer_is_searched_for_loops_in_linear_time():
    from time import process_time

    def seconds(length):
        text = " ".join(str(n * n) for n in range(length))
        started = process_time()
        for _ in range(5):
            loops(text)
        return process_time() - started

    seconds(2_000)
    assert seconds(32_000) < 60 * seconds(2_000)  # sixteen times as long; 256 times if it were quadratic


def test_a_barred_answer_may_lose_but_not_win(pool):
    pool.add("q", [("Ann", qa(1.0, 1.0), 0, "length"), ("Bob", qa(1.0, 0.5), 0), ("Cy", qa(0.0, 0.0), 0, "length")])
    (pair,) = pool.keep(pick="pairs", margin=0.5)[2]
    assert (pair["response"], pair["rejected"], pair["margin"]) == ("Bob", "Cy", None)
    labelled = pool.keep(pick="labelled", margin=0.1)[2]
    assert [(row["response"], row["desirable"]) for row in labelled] == [("Bob", True), ("Cy", False)]
    assert [row["response"] for row in pool.keep(pick="weighted")[2]] == ["Bob"]


def test_winners_that_are_the_least_bad_are_counted(pool):
    pool.add("bad", [("Ann", qa(0.0, 0.0), 0), ("Bob", qa(0.0, 0.0), 0)])
    pool.add("good", [("Ann", qa(0.0, 1.0), 0)])
    pool.add("i", [("no", {"rating": 0.1}, 0)], "dolly", "instruction")
    _, figures, _ = pool.keep()
    assert {name: one["least_bad"] for name, one in figures["datasets"].items()} == {"dolly": 1, "nq": 1}


def test_verdicts_of_a_stand_in_choose_nothing_unless_told_to(pool):
    pool.add("q", [("Ann", qa(1.0, 0.0), 0), ("Bob", qa(0.0, 1.0), 0)])
    pool.add("i", [("no", {"rating": 0.3}, 0)], "dolly", "instruction")
    stand_ins = {"span_coverage", "rating"}
    account, figures, (row,) = pool.keep(stand_ins=stand_ins)
    assert (row["response"], row["objectives"]) == ("Ann", {"task": 1.0})
    assert account.as_dict()["set_aside"] == {"no answer can win: no judge chooses": 1}
    assert "stand_ins_chose" not in figures
    assert figures["judges"]["extractive_qa"]["means"]["span_coverage"]["pool"] == 0.5  # told all the same
    _, figures, rows = pool.keep(stand_ins=stand_ins, stand_ins_choose=True)
    assert [row["response"] for row in rows] == ["Bob", "no"]
    assert figures["stand_ins_chose"] == ["rating", "span_coverage"]


def test_a_set_without_a_row_is_an_error_with_the_reasons(pool):
    pool.add("q", [("", qa(1.0, 1.0), 0)])
    pool.add("r", [("Ann", qa(1.0, 1.0), 0, "length")])
    with pytest.raises(
        ResetError, match=r"no row to train on \(2 rows in, 0 out; set aside: .*1 no answer can win: trunc"
    ):
        pool.keep()


@pytest.mark.parametrize("pick", ["best", "best_overall", "pairs", "labelled", "weighted"])
def test_of_equal_texts_with_equal_scores_the_seed_decides_whose_row_it_is(pool, pick):
    pool.add("q", [("Ann", qa(1.0, 1.0), 0), ("Ann", qa(1.0, 1.0), 0), ("Bob", qa(0.0, 0.0), 0, "length")])
    for seed in range(6):
        first = pool.keep(pick=pick, seed=seed)[2][0]
        assert first["answer_id"] == min(("q|0", "q|1"), key=lambda identity, seed=seed: draw(seed, identity))


@pytest.mark.parametrize(("pick", "drawn"), [("best", "q{}"), ("best_overall", "q{}|0")])
def test_of_equally_good_prompts_the_seed_decides_which_are_within_the_share(pool, pick, drawn):
    for number in range(4):
        pool.add(f"q{number}", [("Ann", qa(1.0, 1.0), 0)])
    for seed in range(6):
        first, second = sorted(range(4), key=lambda number, seed=seed: draw(seed, drawn.format(number)))[:2]
        kept = {row["example_id"] for row in pool.keep(pick=pick, share=0.5, seed=seed)[2]}
        assert kept == {f"q{first}", f"q{second}"}


def test_of_equal_texts_one_that_may_win_is_labelled_and_not_one_that_was_cut_off(pool):
    pool.add("q", [("Ann", qa(1.0, 1.0), 0, "length"), ("Ann", qa(1.0, 1.0), 0), ("Bob", qa(0.0, 0.0), 0)])
    for seed in range(6):
        rows = pool.keep(pick="labelled", seed=seed)[2]
        assert [(row["answer_id"], row["desirable"]) for row in rows] == [("q|1", True), ("q|2", False)]


def test_a_prompt_whose_best_answer_scores_no_higher_than_its_worst_makes_no_pair(pool):
    # by the first objective Ann is best and Cy worst, by the weighted sum it is the other way round
    pool.add("q", [("Ann", qa(0.0, 0.5), 0), ("Bob", qa(1.0, 0.4), 0), ("Cy", qa(1.0, 0.3), 0)])
    pool.add("r", [("Ann", qa(1.0, 0.9), 0), ("Bob", qa(0.0, 0.1), 0)])
    faithful_first = {name: OBJECTIVES[name] for name in sorted(OBJECTIVES)}
    assert next(iter(faithful_first)) == "faithfulness"
    account, _, rows = pool.keep(
        pick="pairs", per_prompt=3, objectives=faithful_first, rule=Rule(combine="lexicographic")
    )
    assert {row["example_id"] for row in rows} == {"r"}
    assert account.as_dict()["set_aside"] == {"no answers far enough apart": 1}


def test_the_last_line_counts_winners_at_zero_and_references_that_won(pool):
    pool.add("q", [("Ann", qa(0.0, 0.0), 0)])
    pool.add("r", [("Ann", qa(0.0, 0.5), 0)])
    pool.add("i", [("no", {"rating": 0.3}, 0)], "dolly", "instruction")
    figures = pool.keep()[1]
    assert select.zeros(figures) == {"task": 2, "faithfulness": 1}
    assert [*select.remarks(figures)] == []
    gold = {
        "winners": 3,
        "candidates": 9,
        "tasks": {"a": {"winners": 1, "prompts": 4}, "b": {"winners": 2, "prompts": 5}},
    }
    assert [*select.remarks({"gold": gold, "prompts_by_sweeps": {"1": 7, "2": 3}})] == [
        "; references that won: 3 of 9 (a 1 of 4, b 2 of 5)",
        "; prompts by sweeps: 7 of 1, 3 of 2, so what is said of the pool is of its first sweep",
    ]


@pytest.mark.parametrize("words", ["abcdefghij", "abc defghi", "abc\nDEFghi"])
@pytest.mark.parametrize(("length", "looping"), [(30, False), (35, False), (36, True), (60, True)])
def test_a_text_loops_as_soon_as_more_than_half_of_its_runs_are_repeated(words, length, looping):
    assert loops((words * 10)[:length]) is looping  # of 36 characters there are 21 runs of 16, and 10 of them differ


def test_a_reference_competes_only_where_it_may(pool):
    pool.add("q", [("Ann", qa(1.0, 1.0), 0), ("Bob", qa(0.5, 0.5), 0)])
    pool.answers[0]["setting"] = schemas.GOLD
    assert pool.keep()[2][0]["response"] == "Bob"
    assert pool.keep(gold=True)[2][0]["response"] == "Ann"
