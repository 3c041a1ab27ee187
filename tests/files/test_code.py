"""Parts of a killed stage are taken up only by the same code: an edit of any file that decides its rows changes it."""

from pathlib import Path

import pytest

from reset.files import code

SAMPLE = ("stages.sample", "reset.engines.transformers.engine")
TRAIN = ("stages.train", "reset.training.preferences")


@pytest.mark.parametrize(
    ("modules", "edited", "counts"),
    [
        (SAMPLE, "reset/model/prompts.py", True),
        (SAMPLE, "reset/sampling/decode_settings.py", True),
        (SAMPLE, "reset/engines/transformers/next_token.py", True),
        (SAMPLE, "reset/engines/vllm/engine.py", False),
        (SAMPLE, "reset/runs/progress.py", False),
        (TRAIN, "reset/training/row_order.py", True),
        (TRAIN, "reset/training/fused_head.py", True),
        (TRAIN, "reset/model/chat_frame.py", True),
        (TRAIN, "reset/errors.py", False),
    ],
)
def test_code_that_decides_rows_is_part_of_the_fingerprint(
    monkeypatch: pytest.MonkeyPatch, modules: tuple[str, ...], edited: str, counts: bool
) -> None:
    before, hash_of = code.code_hash(*modules), code.file_hash
    path = code.ROOT / edited
    assert path.is_file()

    def with_edit(file: Path) -> str:
        return "edited" if file == path else hash_of(file)

    monkeypatch.setattr(code, "file_hash", with_edit)
    assert (code.code_hash(*modules) != before) is counts
