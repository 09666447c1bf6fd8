"""What `inbox` and `outbox` have in common: pages of rows, and acting on some."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from chamado.daemon.cli.options import number_of, print_json, print_table
from chamado.daemon.refusal import BadData, NotThere
from chamado.parsers.sanitise import clean_line

ids_argument = click.argument("ids", nargs=-1, required=True, metavar="ID…")
id_argument = click.argument("id_", metavar="ID")
before_option = click.option("--before", help="Go on below this id of the page before.")


def print_page(
    rows: Sequence[dict[str, Any]],
    heads: Sequence[str],
    cells: Callable[[dict[str, Any]], Sequence[object]],
    *,
    limit: int,
    as_json: bool,
    shrink: str = "",
) -> None:
    """Print rows, newest first, and how to get at those that did not fit.

    A script is told on stderr too: fifty of a thousand look like all there are.
    """
    if as_json:
        print_json(rows)
    else:
        print_table(heads, [cells(row) for row in rows], shrink=shrink)
    if len(rows) == limit:
        click.echo(f"… perhaps more: --before {rows[-1]['id']}", err=True)


def numbers(texts: Sequence[str], what: str) -> list[int]:
    """Read ids, each once."""
    return list(dict.fromkeys(number_of(text, what) for text in texts))


def reason_of(text: str) -> str:
    """Return the reason; there must be one."""
    reason = clean_line(text, 400)
    if not reason:
        raise BadData("a reason must say something")
    return reason


def act(
    what: str,
    ids: Sequence[int],
    states: Mapping[int, str],
    do: Callable[[Sequence[int]], Sequence[int]],
    refused: str,
) -> list[int]:
    """Do something with rows, all of them or none.

    `states` are the states of those that exist, `do` returns the ids it could act on,
    `refused` says what the others would have to be. Call it within a transaction: what
    it raises takes everything back.
    """
    missing = [str(id_) for id_ in ids if id_ not in states]
    if missing:
        raise NotThere(f"there is no {what} {', '.join(missing)}; nothing was changed")
    done = do(ids)
    left = [f"{id_} is {states[id_]}" for id_ in ids if id_ not in done]
    if left:
        raise BadData(f"{what} {', '.join(left)}; {refused}; nothing was changed")
    return list(done)


def print_done(done: Sequence[int], told: str, *, as_json: bool) -> None:
    """Print which rows were changed."""
    if as_json:
        print_json([{"id": id_} for id_ in done])
        return
    click.echo(f"{', '.join(map(str, done))}: {told}")
