"""How long stages took, from the log of `dvc repro`."""

import json
from pathlib import Path
from typing import Any

from reset.files import stage_times


def log(root: Path, *lines: dict[str, Any]) -> None:
    path = root / stage_times.LOG
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"what": "do')


def stage(name: str, began: float, ended: float, *, ran: bool = True) -> list[dict[str, Any]]:
    return [
        {"what": "stage", "stage": name, "at": began},
        {"what": "done", "stage": name, "at": ended, "ran": ran},
    ]


def begin(scale: str) -> dict[str, Any]:
    return {"what": "begin", "at": 0.0, "pid": 1, "created": 0.0, "scale": scale}


def test_last_time_that_a_stage_of_the_scale_ran_counts(tmp_path: Path) -> None:
    log(
        tmp_path,
        *(begin("micro"), *stage("train@a", 1.0, 11.0), *stage("fetch@a", 11.0, 12.0)),
        *(begin("paper"), *stage("train@a", 1.0, 1000.0)),
        *(begin("micro"), *stage("train@a", 20.0, 25.0), *stage("fetch@a", 30.0, 30.5, ran=False)),
        {"what": "stage", "stage": "report", "at": 31.0},
    )
    assert stage_times.seconds(tmp_path, "micro") == {"train@a": 5.0, "fetch@a": 1.0}


def test_without_a_log_no_times_are_known(tmp_path: Path) -> None:
    assert stage_times.seconds(tmp_path, "micro") == {}


def test_a_clock_that_is_set_during_a_run_makes_no_time_longer_or_negative(tmp_path: Path) -> None:
    set_back, set_on = stage("train@a", 5000.0, 10.0), stage("fetch@a", 10.0, 9000.0)
    for lines, clocks in ((set_back, (100.0, 140.0)), (set_on, (140.0, 142.0))):
        for line, clock in zip(lines, clocks, strict=True):
            line["clock"] = clock
    log(tmp_path, begin("micro"), *set_back, *set_on, *stage("mix@a", 60.0, 20.0))  # the last without such a clock
    assert stage_times.seconds(tmp_path, "micro") == {"train@a": 40.0, "fetch@a": 2.0, "mix@a": 0.0}
