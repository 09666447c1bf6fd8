"""What commands share: options, loading, and printing data for people or scripts."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from shutil import get_terminal_size
from typing import Any, TypeVar

import click

from chamado.config.load import Loaded, load
from chamado.config.settings import Settings
from chamado.daemon import logs, parts
from chamado.daemon.cli import terminal
from chamado.daemon.store.engine import Store
from chamado.parsers.contract import timestamp

#: Columns for two cells that are words: fewer are scarce, and the least for the first.
_SCARCE, _LEAST = 36, 12

Command = TypeVar("Command", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Data for a script.")
limit_option = click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=50,
    show_default=True,
    help="At most so many.",
)
raw_option = click.option(
    "--raw", is_flag=True, help="The bytes themselves, and nothing else."
)
reason_option = click.option("--reason", required=True, help="Why; kept in the ledger.")
number_argument = click.argument("number", type=click.UNPROCESSED)


def config_option(command: Command) -> Command:
    """Let `--config` stand behind the command as well as before it."""

    def keep(context: click.Context, _: click.Parameter, value: Path | None) -> None:
        if value is not None:
            context.obj = value

    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        expose_value=False,
        callback=keep,
        help="The configuration file.",
    )(command)


def settings_of(context: click.Context) -> Loaded:
    """Load the configuration; raises `ConfigError` with all mistakes."""
    return load(context.obj, os.environ)


@contextmanager
def opened(
    context: click.Context, *, make: bool = False
) -> Iterator[tuple[Settings, Store]]:
    """Load the settings and open the database for the length of a command.

    Raises `NotThere` where there is no database: looking must not make one. What
    brings a case in may `make` it.
    """
    settings = settings_of(context).settings
    logs.configure(settings.log, os.environ, sys.stderr)
    store = parts.open_store(settings) if make else parts.find_store(settings)
    try:
        yield settings, store
    finally:
        store.close()


def number_of(text: str, what: str = "ticket") -> int:
    """Read `1042` or `#1042`; a usage error for anything else."""
    bare = text.strip().removeprefix("#")
    if not (bare.isascii() and bare.isdecimal() and 0 < len(bare) < 19):
        raise click.BadParameter(f"{text!r} is no {what} number like 1042")
    return int(bare)


def time_of(text: str | None, name: str) -> datetime | None:
    """Read an RFC 3339 time with its zone; a usage error for anything else."""
    if text is None:
        return None
    with suppress(ValueError, OverflowError):
        found = datetime.fromisoformat(text)
        if found.tzinfo:
            return found.astimezone(UTC)
    raise click.BadParameter(
        f"{text!r} is no time like 2026-11-22T10:00:00Z", param_hint=name
    )


def print_json(value: object) -> None:
    """Print one JSON document on one line; moments as RFC 3339 in UTC."""
    document = json.dumps(value, ensure_ascii=False, default=_moment)
    click.echo(terminal.json_text(document))


def print_table(
    heads: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    shrink: str = "",
    spare: str = "",
) -> None:
    """Print aligned columns; on a terminal a line ends where the screen does.

    If it would, the column `shrink` takes at most a third of the room that it and the
    last one have together; where that is scarce, the column `spare` is left out.
    """
    lines = [list(heads), *([_cell(value) for value in row] for row in rows)]
    screen = get_terminal_size().columns if sys.stdout.isatty() else None
    if screen and shrink and sum(_widths(lines)) + 2 * len(heads) - 2 > screen:
        lines = _narrowed(lines, screen, shrink, spare)
    widths = _widths(lines)
    for line in lines:
        padded = [terminal.padded(t, w) for t, w in zip(line, widths, strict=True)]
        shown = "  ".join(padded).rstrip()
        click.echo(terminal.fitted(shown, screen) if screen else shown)


def _narrowed(
    lines: list[list[str]], screen: int, shrink: str, spare: str
) -> list[list[str]]:
    def room() -> int:
        widths = _widths(lines)
        del widths[lines[0].index(shrink)], widths[-1]
        return screen - sum(width + 2 for width in widths) - 2

    if spare and room() < _SCARCE:
        left_out = lines[0].index(spare)
        lines = [line[:left_out] + line[left_out + 1 :] for line in lines]
    most, at = max(room() // 3, _LEAST), lines[0].index(shrink)
    return [
        [*line[:at], terminal.fitted(line[at], most), *line[at + 1 :]] for line in lines
    ]


def _widths(lines: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(terminal.width, column)) for column in zip(*lines, strict=True)]


def print_facts(facts: Sequence[tuple[str, object]]) -> None:
    """Print names and values in two columns, leaving out what is empty."""
    shown = [(name, _cell(value)) for name, value in facts]
    column = max((len(name) for name, value in shown if value), default=0)
    for name, value in shown:
        if value:
            click.echo(f"{name:{column}}  {value}")


def _cell(value: object) -> str:
    return "" if value is None else terminal.line(str(value))


def _moment(value: object) -> str | None:
    if isinstance(value, datetime):
        return timestamp(value)
    raise TypeError(f"{type(value).__name__} does not go into JSON")
