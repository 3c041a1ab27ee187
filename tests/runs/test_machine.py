"""The machine in words, without its name."""

import os
import platform

from reset.runs import machine


def test_machine_is_told_by_what_it_has_and_not_by_its_name() -> None:
    told = machine.described()
    assert f"{os.cpu_count()} cores" in told and told.count(" GB") == 1
    assert platform.node() not in told or not platform.node()
