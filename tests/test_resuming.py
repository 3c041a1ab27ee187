"""Only a checkpoint that all ranks have finished is gone on from."""

from pathlib import Path

from reset import resuming


def test_half_written_checkpoints_are_removed_and_the_last_whole_one_counts(tmp_path: Path) -> None:
    for step in (2, 10, 12):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text("{}")
    for step in (2, 10):
        resuming.finish(tmp_path / f"checkpoint-{step}", 1)
    resuming.discard_unfinished(tmp_path)
    assert [path.name for path in resuming.finished(tmp_path)] == ["checkpoint-2", "checkpoint-10"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-10", "checkpoint-2"]


def test_folder_without_checkpoints_has_none(tmp_path: Path) -> None:
    resuming.discard_unfinished(tmp_path / "new")
    assert resuming.finished(tmp_path / "new") == []
