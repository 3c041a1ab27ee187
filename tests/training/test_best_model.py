"""The model with the lowest dev loss is kept, in memory and in each checkpoint, and is what a run saves."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from reset.training.best_model import Best


class Run:
    """A run on one rank whose weights are the number of the step; weights are taken as a list of the steps."""

    def __init__(self, work: Path, resumed: str | None = None, losses: tuple[float, ...] = ()) -> None:
        self.args = SimpleNamespace(output_dir=str(work))
        self.state = SimpleNamespace(global_step=len(losses), log_history=[], is_world_process_zero=True)
        self.state.log_history = [{"eval_loss": loss} for loss in losses]
        self.taken: list[int] = []
        self.best = Best(self._take, self._write, resumed)

    def _take(self) -> dict[str, int]:
        self.taken.append(self.state.global_step)
        return {"step": self.state.global_step}

    @staticmethod
    def _write(weights: dict[str, int], into: Path) -> None:
        into.mkdir(parents=True, exist_ok=True)
        (into / "weights").write_text(str(weights["step"]))

    def read(self, *losses: float) -> None:
        for loss in losses:
            self.state.global_step += 1
            self.state.log_history += [{"loss": 1.0}, {"eval_loss": loss}]
            self.best.on_evaluate(self.args, self.state, None)

    def checkpoint(self) -> Path:
        self.best.on_save(self.args, self.state, None)
        return Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"

    def saved(self, into: Path) -> int:
        self.best.save(into, 0)
        return int((into / "weights").read_text())


def test_the_first_of_the_lowest_dev_losses_is_saved(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.read(3.0, 2.0, 2.5, 2.0)
    assert run.saved(tmp_path / "model") == 2
    assert run.taken == [1, 2]


def test_without_a_dev_loss_the_current_model_is_saved(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.state.global_step = 7
    assert not list(run.checkpoint().parent.iterdir())
    assert run.saved(tmp_path / "model") == 7


def test_every_checkpoint_has_the_best_model_though_the_one_before_is_gone(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.read(2.0)
    first = run.checkpoint()
    run.read(3.0)
    second = run.checkpoint()
    (first / "best/weights").unlink()
    assert (second / "best/weights").read_text() == "1"
    assert run.saved(tmp_path / "model") == 1


@pytest.mark.parametrize(("later", "expected"), [((2.0, 3.0), 1), ((1.5, 3.0), 3)])
def test_a_resumed_run_goes_on_with_the_best_model_of_its_checkpoint(
    tmp_path: Path, later: tuple[float, ...], expected: int
) -> None:
    run = Run(tmp_path)
    run.read(2.0, 2.5)
    resumed = Run(tmp_path, str(run.checkpoint()), losses=(2.0, 2.5))
    resumed.read(*later)
    assert resumed.saved(tmp_path / "model") == expected
