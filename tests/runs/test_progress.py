"""What a long stage shows: a bar on a terminal, plain lines in a log file."""

import os
import pty
import re
import subprocess
import sys
import termios

import pytest

from reset.runs.progress import Progress
from tests.support import ROOT

RUN = """
from types import SimpleNamespace
from reset.runs import progress as shown
now = [0.0]
shown.time = SimpleNamespace(monotonic=lambda: now[0])  # the lines do not hang on how busy the machine is
shown.lines_to_stderr()
with shown.Progress("sample mtl", 40, line_s=0.25) as progress:
    progress.reach(10, 100, found=True)
    for number in range(20):
        now[0] += 0.0625
        progress.add(7)
    progress.reach(40, 310)
"""
LINE = r"sample mtl: [\d,]+ of 40, [\d,.]+ answers/s, [\d,]+ tokens/s, \d\d:\d\d left"


def test_a_log_file_has_plain_lines_with_rates_and_the_time_left():
    done = subprocess.run([sys.executable, "-c", RUN], cwd=ROOT, stderr=subprocess.PIPE, text=True, check=True)
    lines = done.stderr.splitlines()
    assert len(lines) == 6 and "\r" not in done.stderr  # one every quarter of 1.25 seconds, and one at the end
    assert [line for line in lines if not re.fullmatch(LINE, line)] == []
    assert lines[-1].startswith("sample mtl: 40 of 40, ") and lines[-1].endswith("00:00 left")


def test_a_terminal_has_a_bar_with_the_same():
    mine, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    subprocess.run([sys.executable, "-c", RUN], cwd=ROOT, stderr=theirs, check=True)
    shown = os.read(mine, 1 << 16).decode()
    os.close(theirs)
    os.close(mine)
    pictures = [one for one in re.split(r"\r|\n", shown) if "|" in one]
    assert len(pictures) >= 3 and "100%|" in pictures[-1]
    assert re.search(LINE, pictures[-1])


def test_rates_leave_out_what_an_earlier_run_made():
    with Progress("sample mtl", 1000, line_s=1e9) as progress:
        progress.reach(900, 9000, found=True)
        assert str(progress) == "900 of 1,000 answers"
        progress.reach(910, 9100)
        answers, tokens = re.search(r"([\d,.]+) answers/s, ([\d,]+) tokens/s", str(progress)).groups()
    assert float(tokens.replace(",", "")) == pytest.approx(10 * float(answers.replace(",", "")), rel=0.01)


def test_answers_without_tokens_have_no_rate_of_them():
    with Progress("judge mtl", 10, line_s=1e9) as progress:
        progress.reach(5)
        assert "answers/s" in str(progress) and "tokens" not in str(progress)
