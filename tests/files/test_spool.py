"""Rows wait on disk and come back in any order."""

from reset.files.spool import Spool


def test_rows_come_back_from_their_places_while_more_are_added(tmp_path):
    rows = [{"text": f"Zeile {number} \u00e4\n", "number": number} for number in range(300)]
    with Spool(tmp_path / "new") as spool:
        for number, row in enumerate(rows):
            assert len(spool) == number
            spool.add(row)
            assert spool.row(0) == rows[0]
        assert [spool.row(place) for place in reversed(range(len(spool)))] == rows[::-1]


def test_nothing_stays_on_disk(tmp_path):
    with Spool(tmp_path) as spool:
        spool.add({"text": "x" * 100_000})
        spool.row(0)
        assert list(tmp_path.iterdir()) == []
    assert list(tmp_path.iterdir()) == []
