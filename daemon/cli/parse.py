"""`chamado parse`: what the parser sees in messages; needs no database."""

import json
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from chamado.config.settings import Limits
from chamado.daemon import parts
from chamado.daemon.cli import terminal
from chamado.daemon.cli.options import config_option, json_option
from chamado.daemon.process import RUNGS
from chamado.daemon.sources.file import NoSuchInput
from chamado.parsers.contract import as_contract
from chamado.parsers.pool import ChildDied
from chamado.parsers.types import (
    Classification,
    Envelope,
    ParsedMessage,
    Understood,
)
from chamado.parsers.wire import Request


@click.command()
@config_option
@json_option
@click.argument("files", nargs=-1, required=True)
def parse(files: tuple[str, ...], as_json: bool) -> None:
    """Print what the parser sees in each message; needs no database.

    FILE is one message, or - for stdin.
    """
    reader, unread = Reader(Limits()), 0
    try:
        for file, understood in reader.read(files):
            if isinstance(understood, NoSuchInput):
                unread += 1
                click.echo(terminal.line(f"chamado: {understood}"), err=True)
                continue
            seen = as_contract(file, understood)
            if as_json:
                click.echo(json.dumps(seen, ensure_ascii=False))
            else:
                _show_parsed(seen)
    finally:
        reader.close()
    if unread:
        raise NoSuchInput(f"{unread} of {len(files)} files could not be read")


class Reader:
    """Understands files in parser children, several at once, answers in order."""

    def __init__(self, limits: Limits) -> None:
        self._pool = parts.open_pool(limits)
        self._threads = ThreadPoolExecutor(limits.parsers)

    def read(
        self, files: Sequence[str]
    ) -> Iterator[tuple[str, Understood | NoSuchInput]]:
        """Read every file; for one that cannot be read, say so and go on."""
        return zip(files, self._threads.map(self._one, files), strict=True)

    def close(self) -> None:
        """End the children."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._pool.close()

    def _one(self, file: str) -> Understood | NoSuchInput:
        try:
            raw = read_file(file)
        except NoSuchInput as error:
            return error
        nobody = Envelope(mail_from=None, rcpt_tos=(), received_at=datetime.now(UTC))
        request = Request(envelope=nobody, raw=raw, raw_size=len(raw))
        for rung in range(RUNGS):
            with suppress(ChildDied):
                return self._pool.understand(replace(request, rung=rung))
        return Understood(
            message=ParsedMessage(defects=("the parser died on it three times",)),
            classification=Classification(),
        )


def read_file(file: str) -> bytes:
    """Return the bytes of a file, or of stdin for -."""
    try:
        if file == "-":
            return sys.stdin.buffer.read()
        return Path(file).read_bytes()
    except OSError as error:
        raise NoSuchInput(f"{file}: {error.strerror}") from None


def _show_parsed(seen: dict[str, Any]) -> None:
    sender = seen["from"]
    click.echo(f"{seen['file']}: {seen['kind']}")
    rows = [
        ("from", f"{sender['name']} <{sender['address']}>" if sender else ""),
        ("to", ", ".join(a["address"] for a in seen["to"])),
        ("subject", seen["subject"]),
        ("date", seen["date"]),
        ("message-id", seen["message_id"]),
        ("rules", "; ".join(f"{h['rule']}: {h['why']}" for h in seen["hits"])),
        ("defects", "; ".join(seen["defects"])),
    ]
    for name, value in rows:
        if value:
            click.echo(f"  {name:<11}{value}")
    for file in seen["attachments"]:
        size = f"{file['size']} bytes, {file['content_type']}, {file['role']}"
        click.echo(f"  {'file':<11}{file['name']} ({size})")
    for line in seen["reply"].splitlines():
        click.echo(f"  | {line}")
