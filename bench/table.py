"""What was measured, as a table that reads the same in a terminal and on a page."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A promise about a figure: `reached` is None when it could not be measured."""

    what: str
    wanted: str
    reached: float | None
    met: bool
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One measure: its table, how it was taken, and the targets that hang on it."""

    title: str
    how: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    targets: tuple[Target, ...] = ()


def figure(value: float | None, unit: str = "") -> str:
    """Write a figure with as many digits as it deserves; a dash for none."""
    if value is None:
        return "–"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}{' ' if unit else ''}{unit}"


def report(machine: str, sections: Sequence[Section]) -> str:
    """Write everything as Markdown, the targets first."""
    targets = [target for section in sections for target in section.targets]
    parts = [f"# Measured\n\n{machine}\n"]
    if targets:
        columns = ("target", "wanted", "reached", "")
        parts.append(f"## Targets\n\n{_table(columns, [_row(t) for t in targets])}")
    parts += [
        f"## {s.title}\n\n{s.how}\n\n{_table(s.columns, s.rows)}" for s in sections
    ]
    return "\n".join(parts)


def _row(target: Target) -> tuple[str, ...]:
    if target.reached is None:
        verdict = "not measured"
    else:
        verdict = "met" if target.met else "MISSED"
    reached = figure(target.reached, target.unit)
    return target.what, target.wanted, reached, verdict


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    lines = [columns, ["-" * width for width in widths], *rows]
    return "".join(
        "| "
        + " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True))
        + " |\n"
        for line in lines
    )
