"""Operators find every exit code in the manual."""

import os
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_code_that_a_command_ends_with_is_in_the_manual() -> None:
    """A script that meets a code must be able to look it up."""
    sources = "".join(
        file.read_text("utf-8") for file in (ROOT / "daemon" / "cli").rglob("*.py")
    )
    used = {getattr(os, name) for name in re.findall(r"os\.(EX_[A-Z]+)", sources)}
    manual = (ROOT / "docs" / "operator.md").read_text("utf-8")
    table = manual.partition("| exit code |")[2].partition("\n\n")[0]
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.M)}
    assert used - told == set()
