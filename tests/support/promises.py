"""What happens on cases, in one line each, for tests of promises and reports."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from chamado.config.address import Address
from chamado.daemon import actions
from chamado.daemon.actions import NewCase, Wish
from chamado.daemon.alarms import Alarms, OnDue
from chamado.daemon.core.promises import Promises
from chamado.daemon.core.types import Channel, Impact, Priority, Resolution, Severity
from chamado.daemon.enclosed import Files
from chamado.daemon.store import schema
from chamado.daemon.store.engine import Work
from tests.support.house import House, message

BIA = Address(name="Bia", address="bia@acme.example")
ANA = Address(name="Ana", address="ana@example.com")
Row = dict[str, Any]


@contextmanager
def _at(home: House) -> Iterator[tuple[Work, datetime]]:
    with home.store.write() as work:
        yield work, home.clock()


def opened(
    home: House,
    *,
    by: Address = ANA,
    channel: Channel = Channel.PHONE,
    ago: timedelta = timedelta(),
    severity: Severity = Severity.NORMAL,
    impact: Impact = Impact.MEDIUM,
    to: str = "",
) -> int:
    """A customer calls, or called so long ago; return the number."""
    with _at(home) as (work, now):
        new = NewCase(
            requester=by,
            subject="Tela azul",
            text="Fica azul.",
            channel=channel,
            received_at=now - ago,
            severity=severity,
            impact=impact,
            to=to,
        )
        return actions.open_case(
            work, home.desk, new, Files(), who="bia@acme.example", now=now
        ).number


def answered(home: House, number: int) -> str:
    """An agent answers the customer; return the Message-ID of the letter."""
    with _at(home) as (work, now):
        actions.reply(work, home.desk, number, BIA, "Olhamos.", Files(), now=now)
    return str(letters(home, number)[-1]["message_id"])


def asked(home: House, number: int) -> None:
    """An agent asks the customer for more."""
    with _at(home) as (work, now):
        actions.request_info(work, home.desk, number, BIA, (), "Qual tela?", now=now)


def waits(home: House, number: int) -> None:
    """The customer has something to do, and was told elsewhere."""
    with _at(home) as (work, now):
        actions.wait(work, home.desk, number, who=BIA.address, now=now)


def resolved(
    home: House, number: int, code: Resolution = Resolution.ANSWERED, text: str = ""
) -> None:
    """An agent ends the case."""
    with _at(home) as (work, now):
        actions.resolve(work, home.desk, number, BIA, code, text, now=now)


def reopened(home: House, number: int) -> None:
    """An agent takes the case up again."""
    with _at(home) as (work, now):
        actions.reopen(work, home.desk, number, who=BIA.address, now=now)


def raised(
    home: House, number: int, priority: Priority | None = None, team: str | None = None
) -> None:
    """An agent changes priority or team."""
    with _at(home) as (work, now):
        wish = Wish(priority=priority, team=team)
        actions.change(work, home.desk, number, wish, who=BIA.address, now=now)


def wrote(
    home: House,
    number: int,
    *,
    at: datetime | None = None,
    by: Address = ANA,
    text: str = "E agora?",
    **headers: str,
) -> Row:
    """The customer answers our newest letter to him; return the fate of his mail."""
    (*_, letter) = [
        row for row in letters(home, number) if row["rcpt_to"] == by.address
    ]
    count = len(home.rows(schema.inbox))
    mail = message(
        text,
        sender=f"{by.name} <{by.address}>",
        subject="Re: Tela azul",
        message_id=f"<w{count}@example.com>",
        In_Reply_To=f"<{letter['message_id']}>",
        **headers,
    )
    return home.mail(mail, mail_from=by.address, at=at)


def bounced(home: House, message_id: str, to: str = ANA.address) -> Row:
    """A letter of ours comes back; return the fate of the report."""
    count = len(home.rows(schema.inbox))
    report = (
        f"From: MAILER-DAEMON@example.com\r\nTo: suporte@acme.example\r\n"
        f"Subject: Undelivered Mail\r\nMessage-ID: <b{count}@example.com>\r\n"
        f"MIME-Version: 1.0\r\nAuto-Submitted: auto-replied\r\n"
        f"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n"
        f"\r\n--b\r\nContent-Type: text/plain\r\n\r\nfailed {count}\r\n--b\r\n"
        f"Content-Type: message/delivery-status\r\n\r\n"
        f"Reporting-MTA: dns; mx.example.com\r\n\r\n"
        f"Final-Recipient: rfc822; {to}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
        f"Message-ID: <{message_id}>\r\nSubject: x\r\n\r\n--b--\r\n"
    )
    return home.mail(report.encode(), mail_from="")


def letters(home: House, number: int) -> list[Row]:
    """The letters on a case, oldest first."""
    return [row for row in home.rows(schema.outbox) if row["ticket"] == number]


def ticket(home: House, number: int) -> Row:
    """A case."""
    return next(row for row in home.rows(schema.ticket) if row["number"] == number)


def clocks(home: House, number: int, kind: str) -> list[Row]:
    """The clocks of a kind on a case, oldest first."""
    with home.store.read() as work:
        found = work.execute(
            select(schema.deadline)
            .where(schema.deadline.c.ticket == number, schema.deadline.c.kind == kind)
            .order_by(schema.deadline.c.id)
        )
        return [dict(row) for row in found.mappings()]


def clock(home: House, number: int, kind: str = "first_response") -> Row:
    """The one clock of a kind on a case."""
    (found,) = clocks(home, number, kind)
    return found


def alarms(home: House, *listeners: OnDue, batch: int = 200) -> Alarms:
    """The tick over the database of a house, by its clock."""

    def promises() -> Promises:
        return home.desk.promises

    return Alarms(home.store, home.clock, promises, listeners, batch=batch)
