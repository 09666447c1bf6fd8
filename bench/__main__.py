"""`python -m bench`: measure, print the table, keep it in `bench/results/latest.md`."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import accept, chain, growth, latency, machine, memory, parse, peers
from bench.effort import FULL, QUICK, USUAL, Effort
from bench.table import Section, report

Measure = Callable[[Effort, Path], Section]

MEASURES: dict[str, Measure] = {
    "disk": machine.disk,
    "accept": accept.accept,
    "chain": chain.chain,
    "latency": latency.latency,
    "memory": memory.memory,
    "parse": parse.parse,
    "growth": growth.growth,
    "peers": peers.peers,
}
RESULT = Path(__file__).parent / "results" / "latest.md"


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few minutes in all")
    parser.add_argument("--full", action="store_true", help="a million tickets, too")
    parser.add_argument("--only", action="append", choices=list(MEASURES))
    asked = parser.parse_args()
    effort = QUICK if asked.quick else FULL if asked.full else USUAL
    sections: list[Section] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for name in asked.only or MEASURES:
            began = time.monotonic()
            sections.append(MEASURES[name](effort, Path(folder)))
            print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    text = report(machine.describe(), sections)
    print(text)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
