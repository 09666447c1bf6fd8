"""Tables for spreadsheets: CSV by RFC 4180, in which no cell is a formula.

A subject or a comment that begins with = + - or @ is a program to a spreadsheet (D-03).
Such text gets an apostrophe in front, which spreadsheets show nobody.
"""

import csv
import io
from collections.abc import Sequence
from datetime import datetime

import click

from chamado.daemon.cli import terminal
from chamado.parsers.contract import timestamp

# Spreadsheets read the wide signs of East Asian keyboards like the narrow ones.
_FORMULAS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_CONTROLS = ("\t", "\r", "\n")


def print_sheet(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a head and rows; texts are quoted, numbers are not."""
    into = io.StringIO()
    sheet = csv.writer(into, quoting=csv.QUOTE_NONNUMERIC)
    sheet.writerow(heads)
    sheet.writerows([cell(value) for value in row] for row in rows)
    click.echo(into.getvalue(), nl=False)


def cell(value: object) -> str | int | float:
    """Return what stands in a cell; a moment as RFC 3339, nothing as nothing."""
    if isinstance(value, int | float):
        return value
    if isinstance(value, datetime):
        value = timestamp(value)
    text = "" if value is None else str(value)
    risky = text.startswith(_CONTROLS) or text.lstrip().startswith(_FORMULAS)
    return f"'{terminal.line(text)}" if risky else terminal.line(text)
