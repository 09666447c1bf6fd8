"""`chamado ingest`: messages in files, mail folders and stdin."""

import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from chamado.config.units import mail_address
from chamado.daemon import logs
from chamado.daemon.cli import terminal
from chamado.daemon.cli.options import (
    config_option,
    json_option,
    print_table,
    settings_of,
    time_of,
)
from chamado.daemon.ingest import FileIntake
from chamado.daemon.refusal import BadData
from chamado.daemon.sources.file import count

_HEADS = ("file", "inbox_id", "state", "outcome", "ticket", "ack")


@click.command()
@config_option
@json_option
@click.argument("paths", nargs=-1, required=True)
@click.option("--rcpt", multiple=True, help="The envelope recipient; may be repeated.")
@click.option("--mail-from", help="The envelope sender; <> for the null one.")
@click.option(
    "--received-at",
    help="When it arrived, RFC 3339; default: now. An mbox or maildir tells its own.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would happen.")
@click.option("--no-ack", is_flag=True, help="Acknowledge nothing, for an import.")
@click.pass_context
def ingest(
    context: click.Context,
    paths: tuple[str, ...],
    rcpt: tuple[str, ...],
    mail_from: str | None,
    received_at: str | None,
    dry_run: bool,
    no_ack: bool,
    as_json: bool,
) -> None:
    """Take messages out of files the very way that mail comes in; safe to repeat.

    PATH is an .eml file, an mbox, a maildir, a folder of these, or - for stdin. What
    is too large or no message is named and left out; the command then ends with 65.
    """
    settings = settings_of(context).settings
    logs.configure(settings.log, os.environ, sys.stderr)
    at = _past(received_at)
    sender = None if mail_from is None else _sender(mail_from)
    unfit: list[str] = []
    work = FileIntake(
        settings,
        rcpt=_addresses(rcpt),
        mail_from=sender,
        at=at,
        no_ack=no_ack,
        refused=unfit.append,
    )
    total = sum(count(path) for path in paths)
    results = work.rehearse(paths) if dry_run else work.ingest(paths)
    rows: list[dict[str, Any]] = []
    with click.progressbar(
        results,
        length=total,
        file=sys.stderr,
        hidden=not sys.stderr.isatty(),
        label="ingest",
    ) as bar:
        for row in bar:
            if as_json:
                click.echo(json.dumps(row, ensure_ascii=False))
            else:
                rows.append(row)
    if rows:
        heads = (*_HEADS, "triage") if dry_run else _HEADS
        print_table(heads, [[_cell(row, head) for head in heads] for row in rows])
    _refuse(unfit)


def _refuse(unfit: Sequence[str]) -> None:
    """Name what was not taken, the last one as the reason why the command failed."""
    for why in unfit[:-1]:
        click.echo(terminal.line(f"chamado: {why}"), err=True)
    if unfit:
        raise BadData(unfit[-1])


def _cell(row: dict[str, Any], head: str) -> object:
    if head == "triage":
        judged = row["triage"]
        return "; ".join((judged["priority"], *judged["reasons"]))
    return row[head]


def _past(text: str | None) -> datetime | None:
    found = time_of(text, "--received-at")
    if found and found > datetime.now(UTC):
        raise click.BadParameter(
            f"{text} lies in the future; a clock would start then",
            param_hint="--received-at",
        )
    return found


def _sender(text: str) -> str:
    """Read an envelope sender; its case is kept, and "" is the null one."""
    bare = text.strip("<> ")
    try:
        return bare and mail_address(bare) and bare
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--mail-from") from None


def _addresses(texts: Sequence[str]) -> tuple[str, ...]:
    try:
        return tuple(mail_address(text.strip("<> ")) for text in texts)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--rcpt") from None
