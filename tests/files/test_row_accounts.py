"""Rows in = rows out + rows set aside: what an account counts, adds up, writes and says."""

from reset.files import tables
from reset.files.row_accounts import SHOWN, Account


def filled(first: int = 0) -> Account:
    account = Account()
    account.keep(2, by="span")
    account.keep(by="span")
    account.keep(2)
    account.keep(by="first")
    for number in range(first, first + 4):
        account.leave("too long", where=f"a.json:{number}")
    account.leave("empty", 2)
    return account


def test_an_account_tells_which_rule_kept_how_many_rows_the_most_first():
    assert str(filled()) == "12 rows in, 6 out (3 span, 1 first); set aside: 4 too long, 2 empty"
    alone = Account()
    alone.keep(2)
    assert str(alone) == "2 rows in, 2 out"
    assert str(Account()) == "0 rows in, 0 out"


def test_two_accounts_add_up_in_every_count():
    whole, other = filled(), Account()
    other.keep(10, by="span")
    other.leave("empty", 5)
    other.leave("no answer", 7, where="b.json:1")
    whole.add(other)
    assert (whole.rows_in, whole.rows_out) == (34, 16)
    assert whole.set_aside == {"too long": 4, "empty": 7, "no answer": 7}
    assert whole.kept_by == {"span": 13, "first": 1}
    assert whole.where["no answer"] == ["b.json:1"]
    assert (other.rows_in, other.rows_out, other.where) == (22, 10, {"no answer": ["b.json:1"]})


def test_the_first_places_of_a_reason_are_kept_and_no_more_of_them():
    whole = filled()
    whole.add(filled(first=4))
    assert whole.where == {"too long": [f"a.json:{number}" for number in range(SHOWN)]}
    one = Account()
    for number in range(SHOWN + 2):
        one.leave("too long", where=f"a.json:{number}")
    one.leave("too long")
    assert one.where == {"too long": [f"a.json:{number}" for number in range(SHOWN)]}
    assert one.rows_in == one.set_aside["too long"] == SHOWN + 3


def test_the_file_of_an_account_holds_rules_and_places_where_there_are_any(tmp_path):
    filled().write(tmp_path / "a.json", tokens=7)
    written = tables.read_json(tmp_path / "a.json")
    assert written == {
        "rows_in": 12,
        "rows_out": 6,
        "set_aside": {"empty": 2, "too long": 4},
        "kept_by": {"first": 1, "span": 3},
        "where": {"too long": [f"a.json:{number}" for number in range(4)]},
        "tokens": 7,
    }
    assert [*written["set_aside"], *written["kept_by"]] == ["empty", "too long", "first", "span"]  # by name
    Account().write(tmp_path / "b.json")
    assert tables.read_json(tmp_path / "b.json") == {"rows_in": 0, "rows_out": 0, "set_aside": {}}
