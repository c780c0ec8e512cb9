"""The benchmark runs and prints its figures; what they are is nobody's test."""

import subprocess
import sys
from pathlib import Path


def test_the_benchmark_prints_a_line_for_each_figure() -> None:
    root = Path(__file__).parents[2]
    names = ("cipher", "filter", "wall")  # the last two borrow statements and models of the portal
    command = [sys.executable, "-m", "bench", *names, "--quick", "--rounds=1"]
    printed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    assert "encrypt a file, against copying it" in printed
    assert "PostgreSQL, insert" in printed
    assert "an entry of the log" in printed
    assert "control: the yardstick against itself" in printed
