"""What understanding a mail costs, beside mail-parser alone on the same mails."""

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import mailparser

from bench.corpus import Mail, mixed
from bench.effort import Effort
from bench.table import Section, figure
from chamado.parsers.types import Envelope, Own, ParseLimits
from chamado.parsers.understand import understand

ENVELOPE = Envelope(
    mail_from="cliente@empresa.example",
    rcpt_tos=("suporte@acme.example",),
    received_at=datetime(2026, 11, 1, tzinfo=UTC),
)
OWN = Own(addresses=frozenset({"suporte@acme.example"}), domain="acme.example")
LIMITS = ParseLimits()


def ours(mail: Mail) -> None:
    """All that a parser child does, from bytes to an understood message."""
    understand(mail.content, ENVELOPE, OWN, (), LIMITS)


def mail_parser(mail: Mail) -> None:
    """Mail-parser, with the attributes that a help desk reads."""
    found = mailparser.parse_from_bytes(mail.content)
    for name in ("subject", "from_", "to", "cc", "date", "message_id", "headers"):
        getattr(found, name)
    for name in ("text_plain", "text_html", "attachments", "received", "defects"):
        getattr(found, name)


def cpu_ms(mails: list[Mail], parse: Callable[[Mail], None]) -> float:
    """Processor time a mail, in ms."""
    begin = time.process_time()
    for mail in mails:
        parse(mail)
    return (time.process_time() - begin) * 1_000 / len(mails)


def parse(effort: Effort, folder: Path) -> Section:
    """Measure both on the mix, with and without its large mails, in turns."""
    rows: list[tuple[str, ...]] = []
    for big in (True, False):
        mails = mixed(effort.parse_mails, big=big)
        ours(mails[0])
        spent: dict[str, list[float]] = {"ours": [], "mail-parser": []}
        for _ in range(effort.rounds):
            spent["mail-parser"].append(cpu_ms(mails, mail_parser))
            spent["ours"].append(cpu_ms(mails, ours))
        ms = {name: statistics.median(values) for name, values in spent.items()}
        rows += [_row(who, big, ms) for who in ("mail-parser", "ours")]
    return Section(
        title="Parse",
        how=(
            f"{effort.parse_mails} mixed mails from memory, one core, processor time; "
            f"median of {effort.rounds}. mail-parser reads headers, bodies and files; "
            f"ours also splits quotes and signature, cleans HTML, guesses the "
            f"language, tells machines from people, and judges what it may believe."
        ),
        columns=("parser", "mails", "mails/s a core", "ms/mail", "of mail-parser"),
        rows=tuple(rows),
    )


def _row(who: str, big: bool, ms: dict[str, float]) -> tuple[str, ...]:
    return (
        who,
        "with large ones" if big else "without large ones",
        figure(1_000 / ms[who]),
        figure(ms[who]),
        figure(ms[who] / ms["mail-parser"], "×"),
    )
