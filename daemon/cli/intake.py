"""`chamado parse` and `chamado ingest`: messages in files, mail folders and stdin."""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import click

from chamado.config import derive
from chamado.config.settings import Limits, Settings
from chamado.config.units import mail_address
from chamado.daemon import logs, parts
from chamado.daemon.accept import Acceptor, row_of
from chamado.daemon.cli import terminal
from chamado.daemon.cli.options import (
    config_option,
    json_option,
    print_table,
    settings_of,
)
from chamado.daemon.core.arrival import Triage
from chamado.daemon.desk import Desk
from chamado.daemon.filing import file_batch
from chamado.daemon.gather import Item, triage
from chamado.daemon.process import RUNGS, Processor
from chamado.daemon.sources.file import FoundMessage, NoSuchInput, count, messages
from chamado.daemon.sources.source import Accepted, RawMessage
from chamado.daemon.store import inbox
from chamado.daemon.store.engine import Store
from chamado.parsers.contract import as_contract
from chamado.parsers.pool import ChildDied
from chamado.parsers.types import (
    Classification,
    Envelope,
    ParsedMessage,
    Understood,
)
from chamado.parsers.understand import understand
from chamado.parsers.wire import Request

CHUNK = 200


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


@click.command()
@config_option
@json_option
@click.argument("paths", nargs=-1, required=True)
@click.option("--rcpt", multiple=True, help="The envelope recipient; may be repeated.")
@click.option("--mail-from", help="The envelope sender; <> for the null one.")
@click.option("--received-at", help="When it arrived, RFC 3339; default: now.")
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

    PATH is an .eml file, an mbox, a maildir, a folder of these, or - for stdin.
    """
    settings = settings_of(context).settings
    logs.configure(settings.log, os.environ, sys.stderr)
    at = _time(received_at)
    sender = None if mail_from is None else mail_from.strip("<> ")
    work = _Intake(
        settings, rcpt=_addresses(rcpt), mail_from=sender, at=at, no_ack=no_ack
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
        heads: tuple[str, ...] = (
            "file",
            "inbox_id",
            "state",
            "outcome",
            "ticket",
            "ack",
        )
        table = [[row[head] for head in heads] for row in rows]
        if dry_run:
            heads = (*heads, "triage")
            table = [
                [*cells, _reasons(row)] for cells, row in zip(table, rows, strict=True)
            ]
        print_table(heads, table)


def _reasons(row: dict[str, Any]) -> str:
    judged = row["triage"]
    return "; ".join((judged["priority"], *judged["reasons"]))


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise click.BadParameter(
            f"{text!r} is no time like 2026-11-22T10:00:00Z", param_hint="--received-at"
        )
    if found > datetime.now(UTC):
        raise click.BadParameter(
            f"{text} lies in the future; a clock would start then",
            param_hint="--received-at",
        )
    return found.astimezone(UTC)


def _addresses(texts: Sequence[str]) -> tuple[str, ...]:
    try:
        return tuple(mail_address(text.strip("<> ")) for text in texts)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--rcpt") from None


class _Intake:
    """The accept and process path, without a daemon."""

    def __init__(
        self,
        settings: Settings,
        *,
        rcpt: Sequence[str],
        mail_from: str | None,
        at: datetime | None,
        no_ack: bool,
    ) -> None:
        self._settings = settings
        self._rcpt = tuple(rcpt)
        self._mail_from = mail_from
        self._at = at
        self._no_ack = no_ack

    def ingest(self, paths: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Accept and process everything, a chunk at a time."""
        settings = self._settings
        me = parts.identity()
        store, blobs = parts.open_store(settings), parts.open_blob_store(settings)
        desk = parts.open_desk(settings, store)
        pool = parts.open_pool(settings.limits)
        door = Acceptor(
            store,
            blobs,
            data_dir=parts.data_dir(settings),
            raw_in_row_bytes=settings.limits.raw_in_row_bytes,
            disk_reserve_bytes=settings.limits.disk_reserve_bytes,
            clock=parts.utc_now,
            on_accepted=lambda: None,
        )
        processor = Processor(
            store,
            blobs,
            pool,
            lambda: desk,
            owner=me.owner,
            host=me.host,
            limits=settings.limits,
        )
        try:
            for chunk in _chunks(f for path in paths for f in messages(path)):
                accepted = [(f, self._accept(door, f)) for f in chunk]
                ids = [(f.file, future.result().inbox_id) for f, future in accepted]
                processor.process_all([id_ for _, id_ in ids])
                with store.read() as work:
                    fates = inbox.fates(work, [id_ for _, id_ in ids])
                for file, id_ in ids:
                    yield {"file": file, **fates[id_]}
        finally:
            door.close()
            processor.close()
            pool.close()
            store.close()

    def rehearse(self, paths: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Decide every message alone and take everything back."""
        settings = self._settings
        store = parts.open_store(settings)
        desk = parts.open_desk(settings, store)
        try:
            for found in (f for path in paths for f in messages(path)):
                yield self._rehearse(found, store, desk)
        finally:
            store.close()

    def _rehearse(
        self, found: FoundMessage, store: Store, desk: Desk
    ) -> dict[str, Any]:
        raw = self._raw(found)
        new = row_of(raw, in_row=True)
        understood = understand(
            found.content, raw.envelope, desk.own, desk.trusted(raw.source)
        )
        with store.rehearse() as work:
            id_, fresh = inbox.accept(work, [new], desk.clock())[new.source_key]
            if fresh:
                (row,) = inbox.by_ids(work, [id_])
                file_batch(work, [Item(row=row, understood=understood)], desk)
            fate = inbox.fates(work, [id_])[id_]
            (row,) = inbox.by_ids(work, [id_])
            # Also of mail that was filed long ago: that is what rules are tried on.
            judged = triage(Item(row=row, understood=understood), desk)
        fate |= {"triage": _triage(judged)}
        if fresh:
            # Numbers of what is taken back would be lies.
            fate |= {"inbox_id": None, "state": "rehearsed", "entry_id": None}
            if fate["outcome"] == "ticket_opened":
                fate["ticket"] = None
        return {"file": found.file, **fate}

    def _accept(self, door: Acceptor, found: FoundMessage) -> "Future[Accepted]":
        return door.accept(self._raw(found))

    def _raw(self, found: FoundMessage) -> RawMessage:
        default = (derive.support_addresses(self._settings)[0].address,)
        return RawMessage(
            content=found.content,
            envelope=Envelope(
                mail_from=self._mail_from,
                rcpt_tos=self._rcpt or default,
                received_at=self._at or found.received_at or parts.utc_now(),
            ),
            source="file",
            source_key=f"file:{sha256(found.content).hexdigest()}",
            no_ack=self._no_ack,
        )


def _triage(judged: Triage) -> dict[str, Any]:
    return {
        "severity": judged.severity.value,
        "impact": judged.impact.value,
        "priority": judged.priority.value,
        "team": judged.team or None,
        "tags": list(judged.tags),
        "assignee": judged.assignee,
        "suppress": judged.suppress,
        "reasons": list(judged.reasons),
    }


def _chunks(found: Iterator[FoundMessage]) -> Iterator[list[FoundMessage]]:
    chunk: list[FoundMessage] = []
    size = 0
    for message in found:
        chunk.append(message)
        size += len(message.content)
        if len(chunk) >= CHUNK or size > 64 << 20:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
