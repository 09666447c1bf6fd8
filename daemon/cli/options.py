"""What commands share: options, loading, and printing data for people or scripts."""

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from chamado.config.load import Loaded, load

Command = TypeVar("Command", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Data for a script.")


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


def print_json(value: object) -> None:
    """Print one JSON document on one line."""
    click.echo(json.dumps(value, ensure_ascii=False))


def print_table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print aligned columns; the last one is as wide as it likes."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [
        max(len(line[i]) for line in [list(heads), *cells]) for i in range(len(heads))
    ]
    for line in [list(heads), *cells]:
        padded = [text.ljust(width) for text, width in zip(line, widths, strict=True)]
        click.echo("  ".join(padded).rstrip())


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return " ".join(text.split())
