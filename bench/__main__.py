"""`python -m bench [names…] [--quick]`: measure, and print a line for each figure."""

import argparse
import platform
import signal
import sys
import time
import warnings
from dataclasses import replace
from importlib import import_module

from bench.rounds import Effort
from bench.workbench import Workbench, workbench

MEASURES = (
    "filter",
    "wall",
    "cipher",
    "transfer",
    "page",
    "layers",
    "access",
    "rewrap",
    "timing",
    "audit",
    "recording",
    "sequencing",
    "alerts",
    "large_log",
)
FULL, QUICK = Effort(rounds=15, share=1.0), Effort(rounds=5, share=0.25)


def main() -> None:
    """Run the measures that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(MEASURES))
    parser.add_argument("--quick", action="store_true", help="rougher, in a minute and a half")
    parser.add_argument("--rounds", type=int, metavar="N", help="how often to measure everything")
    given = parser.parse_args()
    if unknown := set(given.names) - set(MEASURES):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(MEASURES)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is stopped
    warnings.simplefilter("ignore")
    print("Ratios of CPU time, medians of rounds that run side by side; less is better.")
    print(f"Python {platform.python_version()} of {sys.base_prefix}, {platform.machine()}")
    effort = QUICK if given.quick else FULL
    with workbench(replace(effort, rounds=given.rounds or effort.rounds)) as bench:
        for name in given.names or MEASURES:
            _run(name, bench)


def _run(name: str, bench: Workbench) -> None:
    start = time.monotonic()
    module = import_module(f"bench.measures.{name}")
    print(f"\n{name}: {module.__doc__}", flush=True)
    for line in module.measure(bench):
        print(line, flush=True)
    print(f"  ({time.monotonic() - start:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
