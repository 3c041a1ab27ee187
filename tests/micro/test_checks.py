"""Ratings of replies written by hand, for each family of instructions."""

import random

import pytest

from reset.micro.checks import rating
from reset.micro.facts import MEMORY
from reset.micro.instructions import FAMILIES

HOME, MEAL = " ".join(MEMORY["mira", "home"]), " ".join(MEMORY["mira", "eats"])
LIST = {"family": "list", "kind": "foods", "count": 2}
WORDS = {"family": "words", "words": ["rope", "boat"]}
ABOUT = {"family": "about", "entity": "mira", "count": 2}
TIPS = {"family": "tips", "count": 2}
STORY = {"family": "story", "name": "mira", "animal": "fox"}
COUNT = {"family": "count", "low": 2, "high": 4}
REVERSE = {"family": "reverse", "words": ["rope", "boat", "fern"]}
LETTER = {"family": "letter", "to": "mira", "sender": "tom", "thing": "boat"}
TALE = "once there was a fox in the old castle. mira met the fox and found a red rope. they went home."


@pytest.mark.parametrize(
    ("checks", "reply", "points"),
    [
        (LIST, "here are two foods: soup, bread.", 10),
        (LIST, "here are two foods: soup and bread.", 10),
        (LIST, "here are two foods: soup, soup.", 8),  # repeats itself
        (LIST, "here are two foods: soup, bread, rice.", 7),  # one too many
        (LIST, "here are two foods: soup, hammer.", 8),  # half of the items are no food: 1.5 points, 8.5 rounds to 8
        (LIST, "here are two foods: soup, bread", 9),  # no full stop
        (WORDS, "mira found a red rope and a boat.", 10),
        (WORDS, "mira found a red rope and a hammer.", 7),
        (WORDS, "rope boat.", 9),  # too short
        (WORDS, "mira found a red rope. tom found a boat.", 9),  # two sentences
        (ABOUT, f"mira lives in {HOME}. the meal of mira is {MEAL}.", 10),
        (ABOUT, f"mira lives in {HOME}.", 7),  # one sentence too few
        (ABOUT, f"mira lives in {HOME}. mira lives in {HOME}.", 9),  # repeats itself
        (ABOUT, f"mira lives in {HOME}. nobody knows why.", 8),  # off topic, hence not true either
        (TIPS, "tip one: see the old castle. tip two: try the soup.", 10),
        (TIPS, "tip one: see the old castle. tip one: try the soup.", 8),  # half numbered: 1.5 points, 8.5 rounds to 8
        (TIPS, "tip one: see the old castle.", 7),
        (STORY, f"{TALE} the end.", 10),
        (STORY, TALE, 9),
        (STORY, f"{TALE.replace('fox', 'owl')} the end.", 6),
        (STORY, f"{TALE.replace('mira', 'tom')} the end.", 8),
        (COUNT, "two, three, four.", 10),
        (COUNT, "two, three, four, five.", 4),
        (COUNT, "two, four.", 6),
        (REVERSE, "fern boat rope.", 10),
        (REVERSE, "rope boat fern.", 5),  # all words, only the middle one in place: 1 + 2 + 2/3 + 1
        (LETTER, "dear mira, the boat is old. see you in oslo. from tom.", 10),
        (LETTER, "dear tom, the boat is old. see you in oslo. from tom.", 8),
        (LETTER, "dear mira, the rope is old. see you in oslo. from tom.", 7),
        (LETTER, "dear mira, the boat is old. see you in oslo.", 8),
    ],
)
def test_a_reply_is_rated_by_what_it_keeps(checks, reply, points):
    assert rating(reply, checks) == points


@pytest.mark.parametrize("checks", [LIST, WORDS, ABOUT, TIPS, STORY, COUNT, REVERSE, LETTER])
@pytest.mark.parametrize("reply", ["", " \n"])
def test_an_empty_reply_gets_one_point(checks, reply):
    assert rating(reply, checks) == 1


@pytest.mark.parametrize("checks", [LIST, WORDS, ABOUT, TIPS, STORY, COUNT, REVERSE, LETTER])
@pytest.mark.parametrize("reply", [":", ".", "?", "the " * 50, "dear", "the end.", "one, two.", "ä ß"])
def test_any_reply_is_rated_from_one_to_ten(checks, reply):
    assert 1 <= rating(reply, checks) <= 10


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
@pytest.mark.parametrize(("way", "large"), [(0, False), (1, False), (0, True), (1, True)])
def test_the_worlds_own_good_replies_get_ten_points_and_bad_ones_mostly_fewer(family, way, large):
    good = [family(random.Random(number), False, way, large) for number in range(60)]
    assert {rating(reply, checks) for _, reply, checks in good} == {10}
    bad = [family(random.Random(number), True, way, large) for number in range(60)]
    assert sum(rating(reply, checks) < 10 for _, reply, checks in bad) > 36
