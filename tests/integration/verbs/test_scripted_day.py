"""One day at the desk, told from the first mail to the last figure.

Forty customers in three languages, a caller and a chat, two agents, one of them by
mail, and every way a case can end. Each number that the reports must show was worked
out by hand from the timetable below.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from chamado.config.address import Address
from chamado.config.settings import Agent, Listener
from chamado.daemon import actions, agents, merging, reports
from chamado.daemon.core.evidence import Topic
from chamado.daemon.core.types import Channel, Resolution
from chamado.daemon.enclosed import Files
from chamado.daemon.store import ledger, schema
from chamado.daemon.store.engine import Store
from chamado.parsers.pool import ParserPool
from tests.support.house import NOON, House, house, message
from tests.support.polls import BY_WEB, surveys, token_of

BIA = Address(name="Bia", address="bia@acme.example")
CAIO = Address(name="Caio", address="caio@acme.example")
DOOR = Listener(trusted_authserv_ids=("mx.acme.example",))
SOURCE = "smtp:127.0.0.1:2525"
SECRET = "SENHA-INTERNA-17"
CODES = (
    Resolution.ANSWERED,
    Resolution.WORKS_AS_DESIGNED,
    Resolution.FEATURE_REQUEST,
    Resolution.NOT_REPRODUCIBLE,
    Resolution.THIRD_PARTY,
    Resolution.UNSUPPORTED,
)
WORDS = {
    "pt-BR": (
        "Tela azul",
        "Bom dia. Não consigo enviar a mensagem, a tela fica azul quando clico em "
        "Enviar e depois nada acontece. Vocês podem verificar, por favor?",
    ),
    "en": (
        "Blue screen",
        "Good morning. I cannot send the message, the screen turns blue when I click "
        "on Send and then nothing happens. Could you please have a look?",
    ),
    "es": (
        "Pantalla azul",
        "Buenos días. No puedo enviar el mensaje, la pantalla se pone azul cuando hago "
        "clic en Enviar y después no pasa nada. ¿Pueden revisarlo, por favor?",
    ),
}


def language_of(customer: int) -> str:
    """Twenty write Portuguese, twelve English, eight Spanish."""
    return "pt-BR" if customer < 20 else "en" if customer < 32 else "es"


def address_of(customer: int) -> str:
    """Everybody writes from a domain of his own."""
    return f"ana@c{customer}.example"


@dataclass
class Day:
    """The house on that day, and the numbers of its cases by customer."""

    home: House
    number: dict[int | str, int] = field(default_factory=dict)
    mails: int = 0

    def at(self, **since_noon: float) -> datetime:
        """Let it become so late; time never goes back."""
        moment = NOON + timedelta(**since_noon)
        assert moment >= self.home.clock.now
        self.home.clock.now = moment
        return moment

    def write(self, customer: int, text: str, **how: Any) -> dict[str, Any]:
        """Let a customer write, vouched for by the border."""
        self.mails += 1
        address = address_of(customer)
        border = (
            "Authentication-Results: mx.acme.example; dmarc=pass "
            f"header.from=c{customer}.example\r\n"
        )
        raw = message(
            text,
            sender=f"Ana {customer} <{address}>",
            subject=how.pop("subject", WORDS[language_of(customer)][0]),
            message_id=f"<{self.mails}@c{customer}.example>",
            **how,
        )
        return self.home.mail(border.encode() + raw, source=SOURCE, mail_from=address)

    def letters(self, kind: str, to: str | None = None) -> list[EmailMessage]:
        """The letters of a kind, oldest first."""
        found = []
        for row in self.home.rows(schema.outbox):
            if row["kind"] == kind and to in (None, row["rcpt_to"]):
                letter = message_from_bytes(row["content"], policy=policy.default)
                assert isinstance(letter, EmailMessage)
                found.append(letter)
        return found

    def answer(self, who: int | str, text: str = "Olá. Já estamos vendo isso.") -> None:
        """Let an agent answer at the command line."""
        with self.home.store.write() as work:
            actions.reply(
                work,
                self.home.desk,
                self.number[who],
                BIA,
                text,
                Files(),
                now=self.home.clock(),
            )

    def by_mail(self, agent: Address, notice: EmailMessage, text: str) -> str:
        """Let an agent answer a notice by mail; return the outcome."""
        self.mails += 1
        border = (
            b"Authentication-Results: mx.acme.example; dmarc=pass "
            b"header.from=acme.example\r\n"
        )
        raw = message(
            text,
            sender=f"{agent.name} <{agent.address}>",
            subject=f"Re: {notice['Subject']}",
            message_id=f"<agent{self.mails}@acme.example>",
            In_Reply_To=str(notice["Message-ID"]),
        )
        fate = self.home.mail(
            border + raw,
            source=SOURCE,
            mail_from=agent.address,
            rcpt=notice["Reply-To"].addresses[0].addr_spec,
        )
        return str(fate["outcome"])

    def resolve(self, who: int | str, code: Resolution) -> None:
        """Let an agent end a case."""
        with self.home.store.write() as work:
            actions.resolve(
                work,
                self.home.desk,
                self.number[who],
                BIA,
                code,
                "",
                now=self.home.clock(),
            )

    def ticket(self, who: int | str) -> dict[str, Any]:
        """A case as it stands."""
        rows = self.home.rows(schema.ticket)
        return next(row for row in rows if row["number"] == self.number[who])


@pytest.fixture
def day(store: Store, pool: ParserPool, tmp_path: Path) -> Iterator[Day]:
    """A house with two agents, one of them a specialist."""
    staff = (
        Agent(address=BIA.address, name=BIA.name),
        Agent(
            address=CAIO.address,
            name=CAIO.name,
            teams=("none",),
            specialties=("database",),
        ),
    )
    with house(
        store, pool, tmp_path, listener=(DOOR,), agent=staff, survey=BY_WEB
    ) as home:
        yield Day(home)


def _morning(day: Day) -> None:
    """From 12:00 a customer a minute; a caller and a chat; each is acknowledged."""
    for customer in range(40):
        day.at(minutes=customer)
        subject, text = WORDS[language_of(customer)]
        fate = day.write(customer, f"{text} ({customer})", subject=subject)
        assert (fate["outcome"], fate["ack"]) == ("ticket_opened", "queued")
        day.number[customer] = fate["ticket"]
    day.at(minutes=42)
    with day.home.store.write() as work:
        agents.tell(work, day.home.desk, day.home.clock())
    for minutes, channel in ((45, Channel.PHONE), (50, Channel.CHAT)):
        received = day.at(minutes=minutes)
        new = actions.NewCase(
            requester=Address(name=channel.value, address=f"x@{channel.value}.example"),
            subject=f"por {channel.value}",
            text="O relatório não abre.",
            channel=channel,
            received_at=received,
        )
        with day.home.store.write() as work:
            opened = actions.open_case(
                work, day.home.desk, new, Files(), who=BIA.address, now=received
            )
        day.number[channel.value] = opened.number


def _afternoon(day: Day) -> None:
    """Answers: thirty after an hour, six after two; one by mail, one by phone."""
    for customer in range(30):
        day.at(minutes=60 + customer)
        if customer == 5:
            notice = _notice_for(day, customer)
            assert day.by_mail(BIA, notice, "Olá. Tente de novo.") == "agent_action"
        else:
            day.answer(customer)
    day.at(minutes=90)
    day.answer("phone")
    day.at(minutes=95)
    day.answer("chat")
    for customer in range(30, 36):
        day.at(minutes=120 + customer)
        day.answer(customer)


def _notice_for(day: Day, customer: int) -> EmailMessage:
    """The digest came for all of them; being given a case brings its own notice."""
    with day.home.store.write() as work:
        actions.change(
            work,
            day.home.desk,
            day.number[customer],
            actions.Wish(assignee=BIA.address),
            who="chefe@acme.example",
            now=day.home.clock() - timedelta(minutes=2),
        )
        agents.tell(work, day.home.desk, day.home.clock())
    return day.letters("notice", BIA.address)[-1]


def _evening(day: Day) -> None:
    """One is asked for a log and sends it, one goes to a specialist and comes back."""
    home = day.home
    now = day.at(minutes=200)
    with home.store.write() as work:
        actions.request_info(
            work, home.desk, day.number[6], BIA, [Topic.LOGS], "", now=now
        )
    assert day.ticket(6)["status"] == "waiting"
    day.at(minutes=320)
    (asked,) = day.letters("info_request", address_of(6))
    fate = day.write(
        6, "Segue o log que pediram, obrigado.", In_Reply_To=str(asked["Message-ID"])
    )
    assert fate["outcome"] == "reply_appended"
    assert day.ticket(6)["status"] == "open"
    day.at(minutes=340)
    day.answer(6)
    now = day.at(minutes=350)
    with home.store.write() as work:
        actions.escalate(
            work, home.desk, day.number[7], BIA, "database", SECRET, now=now
        )
    assert (day.ticket(7)["status"], day.ticket(7)["assignee"]) == (
        "escalated",
        CAIO.address,
    )
    now = day.at(minutes=400)
    with home.store.write() as work:
        actions.hand_back(
            work, home.desk, day.number[7], CAIO, f"{SECRET}: índice", now=now
        )
    assert day.ticket(7)["status"] == "open"


def _next_day(day: Day) -> None:
    """Four late answers, two cases made one, every case ended in its own way."""
    for customer in range(36, 40):
        day.at(hours=25, minutes=customer)
        day.answer(customer)
    now = day.at(hours=25, minutes=50)
    with day.home.store.write() as work:
        merging.merge(
            work,
            day.home.desk,
            day.number[39],
            day.number[38],
            who=BIA.address,
            confirm=True,
            now=now,
        )
    day.at(hours=26)
    for customer in range(36):
        day.resolve(customer, CODES[customer % 6])
    day.resolve(36, Resolution.DUPLICATE)
    day.resolve(37, Resolution.SPAM)
    for who in (38, "phone", "chat"):
        day.resolve(who, Resolution.ANSWERED)
    day.at(hours=27)
    (told,) = day.letters("resolved", address_of(20))
    still = day.write(
        20,
        "It still does not work, the same blue screen appears.",
        In_Reply_To=str(told["Message-ID"]),
    )
    assert still["outcome"] == "reply_appended"
    assert day.ticket(20)["status"] == "open"
    (told,) = day.letters("resolved", address_of(3))
    day.write(3, "Muito obrigado!", In_Reply_To=str(told["Message-ID"]))
    assert day.ticket(3)["status"] == "resolved"
    day.at(hours=28)
    day.answer(20, "Sorry. Please try once more.")
    day.resolve(20, Resolution.ANSWERED)


def _votes(day: Day) -> None:
    """Ten say 5 and three say 1 on the web, five write 4 by mail."""
    day.at(hours=53)
    assert surveys(day.home).send_due() == SURVEYS
    day.home.deliver()
    sent = {
        letter.rcpt_to: letter
        for letter in day.home.relay.letters
        if letter.message_id.startswith("survey.")
    }
    assert len(sent) == SURVEYS
    for customer in range(40):
        address = address_of(customer)
        if customer < 10:
            surveys(day.home).vote(token_of(sent[address]), 5, "")
        elif customer < 15:
            day.at(hours=54, minutes=customer)
            letter = message_from_bytes(sent[address].content, policy=policy.default)
            fate = day.write(customer, "4", In_Reply_To=str(letter["Message-ID"]))
            assert fate["outcome"] == "survey_vote"
        elif customer < 18:
            surveys(day.home).vote(token_of(sent[address]), 1, "Demorou.")


#: Customers 0 to 35, 38 with 39 in it, phone and chat; none for duplicate and spam.
#: 39 takes part in 38, yet a resolution has one question, to who had asked.
SURVEYS = 36 + 1 + 2


def test_a_whole_day_at_the_desk(day: Day) -> None:
    """Every figure of every report is the one worked out by hand."""
    _morning(day)
    _afternoon(day)
    _evening(day)
    _next_day(day)
    _votes(day)
    home = day.home

    acks = day.letters("ack")
    assert len(acks) == 42
    spoken = [letter["Content-Language"] for letter in acks]
    assert [spoken.count(tag) for tag in ("pt-BR", "en", "es")] == [22, 12, 8]
    for row in home.rows(schema.outbox):
        if row["rcpt_to"] not in (BIA.address, CAIO.address):
            assert SECRET.encode() not in row["content"]
    with home.store.read() as work:
        assert list(ledger.broken_laws(work)) == []

    window = reports.Window(
        since=NOON,
        until=NOON + timedelta(days=4),
        now=home.clock(),
        zone=ZoneInfo("America/Sao_Paulo"),
    )
    with home.store.read() as work:
        figures = {
            name: report(work, home.settings, window)["total"]
            for name, report in reports.REPORTS.items()
            if name != "availability"
        }
    sla, csat, volume = (
        figures["sla"]["first_response"],
        figures["csat"],
        figures["volume"],
    )
    # Answered: 30 after 60 minutes, 6 after 120, phone and chat after 45, and 4 after
    # 25 hours, which is late.
    assert (sla["promised"], sla["in_time"], sla["late"]) == (42, 38, 4)
    assert sla["attained_percent"] == pytest.approx(100 * 38 / 42, abs=0.05)
    mean = (30 * 60 + 6 * 120 + 2 * 45 + 4 * 1500) * 60 / 42
    assert sla["wall"]["mean"] == pytest.approx(mean, abs=0.5)
    assert sla["wall"]["p50"] == 3600
    assert sla["business"] == sla["wall"]
    assert csat["sent"] == SURVEYS
    assert csat["answers"] == 18
    assert csat["top2_percent"] == pytest.approx(100 * 15 / 18, abs=0.05)
    assert csat["average"] == pytest.approx((10 * 5 + 5 * 4 + 3) / 18, abs=0.005)
    assert (volume["opened"], volume["reopened"]) == (42, 1)
