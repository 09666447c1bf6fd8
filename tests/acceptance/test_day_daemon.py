"""A week at the desk, told to a running daemon whose wall clock is moved.

Six customers write by SMTP and a relay takes what leaves; an agent works at the command
line; warnings, alarms, the reminder, the farewell and the surveys come by themselves as
time goes by. Each figure of the reports is worked out by hand from this timetable.
"""

from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.support import moving_time
from tests.support.daemon import (
    SUPPORT,
    Daemon,
    chamado,
    chamado_json,
    wait_until,
    write_config,
)
from tests.support.house import message
from tests.support.moving_time import MovingTime
from tests.support.sink import Sink

SETTINGS = """
[case]
remind_after = "2d"
reminders = 1
give_up_after = "2d"
close_after = "3d"
"""
AGENT = ("--agent", "bia@acme.example")
WORDS = {
    "ana": "Bom dia. Não consigo enviar a mensagem, vocês podem verificar, por favor?",
    "bob": "Good morning. I cannot send the message, could you please have a look?",
    "carmen": "Buenos días. No puedo enviar el mensaje, ¿pueden revisarlo, por favor?",
    "davi": "Bom dia. O relatório não abre desde ontem, vocês podem verificar?",
    "emma": "Hello. The report has not opened since yesterday, could you please check?",
    "fabio": "Boa tarde. A fatura veio errada, vocês podem corrigir, por favor?",
}


@dataclass
class Week:
    """The daemon, the relay, and the numbers of the cases by customer."""

    config: Path
    daemon: Daemon
    sink: Sink
    number: dict[str, str] = field(default_factory=dict)
    sent: int = 0

    def writes(self, who: str, text: str = "", rcpt: str = SUPPORT, **how: str) -> None:
        """A customer writes."""
        self.sent += 1
        raw = message(
            text or WORDS[who],
            sender=f"{who}@{who}.example",
            message_id=f"<{self.sent}@{who}.example>",
            **how,
        )
        assert self.daemon.send(raw, mail_from=f"{who}@{who}.example", rcpt=rcpt)

    def filed(self) -> None:
        """Wait until everything that was written has its case."""

        def done() -> list[dict[str, Any]]:
            rows = chamado_json(self.config, "inbox", "list", "--state", "done")
            return rows if len(rows) == self.sent else []

        for row in reversed(wait_until(done)):
            self.number[row["mail_from"].partition("@")[0]] = str(row["ticket"])

    def answers(self, who: str, kind: str, text: str) -> None:
        """A customer answers a letter."""
        (letter,) = self.letters(kind, who)
        to = letter["Reply-To"].addresses[0].addr_spec
        self.writes(who, text, rcpt=to, In_Reply_To=str(letter["Message-ID"]))
        number = self.number[who]
        self.filed()
        assert self.number[who] == number

    def does(self, what: str, *whose: str, more: tuple[str, ...] = ()) -> None:
        """The agent does something on cases."""
        for who in whose:
            chamado(self.config, "ticket", what, self.number[who], *AGENT, *more)

    def case(self, who: str) -> dict[str, Any]:
        """A case as `ticket show` tells it."""
        shown: dict[str, Any] = chamado_json(
            self.config, "ticket", "show", self.number[who]
        )
        return shown

    def letters(self, kind: str, who: str = "") -> list[EmailMessage]:
        """The letters of a kind that the relay took."""
        found = []
        for one in list(self.sink.letters):
            letter = message_from_bytes(one.content, policy=policy.default)
            right = str(letter["Message-ID"]).startswith(f"<{kind}.")
            if right and f"{who}@" in one.rcpt_tos[0]:
                assert isinstance(letter, EmailMessage)
                found.append(letter)
        return found

    def took(self, kind: str, count: int) -> None:
        """Wait until the relay has so many letters of a kind."""
        wait_until(lambda: len(self.letters(kind)) == count)

    def told(self, event: str) -> int:
        """How often the log tells of something."""
        return self.daemon.output().count(event)


def _first_day(week: Week, time: MovingTime, words: Path) -> None:
    """Five write at once and one an hour later, when three are answered."""
    for who in ("ana", "bob", "carmen", "davi", "emma"):
        week.writes(who)
    week.took("ack", 5)
    time.to(1)
    week.writes("fabio")
    week.filed()
    week.does("reply", "ana", "bob", more=("--body-file", str(words)))
    week.does("request-info", "carmen", more=("--topic", "logs"))
    week.took("reply", 2)
    week.took("info_request", 1)
    spoken = {who: week.letters("ack", who) for who in WORDS}
    assert {who: letter["Content-Language"] for who, (letter,) in spoken.items()} == {
        "ana": "pt-BR",
        "bob": "en",
        "carmen": "es",
        "davi": "pt-BR",
        "emma": "en",
        "fabio": "pt-BR",
    }
    assert week.case("carmen")["next_due"] is None


def _second_day(week: Week, time: MovingTime, words: Path) -> None:
    """Two promises are missed, a third is near its end; two cases are resolved."""
    time.to(24.5)
    wait_until(lambda: (week.told("sla_breached"), week.told("sla_warned")) == (2, 1))
    week.does("reply", "davi", "fabio", more=("--body-file", str(words)))
    week.does("resolve", "ana", more=("--resolution", "answered"))
    week.does("resolve", "bob", more=("--resolution", "third_party"))
    week.took("resolved", 2)
    week.answers("bob", "resolved", "Thank you!")
    assert week.case("bob")["status"] == "resolved"


def _the_rest(week: Week, time: MovingTime) -> None:
    """A day after, surveys and a reminder; a week after, what is silent is closed."""
    time.to(50)
    week.took("survey", 2)
    week.took("reminder", 1)
    week.answers("ana", "survey", "5")
    time.to(8 * 24)
    wait_until(lambda: week.case("carmen")["status"] == "closed")
    week.took("closed", 1)
    wait_until(lambda: week.case("ana")["status"] == "closed")
    assert week.case("emma")["status"] == "new"


# The daemon looks at what is due every fifteen seconds, and there are three such looks.
@pytest.mark.timeout(300)
def test_a_week_at_a_running_desk(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every letter leaves once, and every figure is the one worked out by hand."""
    if moving_time.library() is None:
        pytest.skip("libfaketime is not installed here; tests/servers.sh installs it")
    time = MovingTime(tmp_path / "time")
    words = tmp_path / "words"
    words.write_text("Já estamos vendo isso.")
    with Sink() as sink:
        relay = f'kind = "smtp"\nhost = "127.0.0.1"\nport = {sink.port}\ntls = "none"'
        config = write_config(tmp_path, database_url, relay=relay, more=SETTINGS)
        time.begin(monkeypatch)
        with Daemon(config) as daemon:
            week = Week(config, daemon, sink)
            _first_day(week, time, words)
            _second_day(week, time, words)
            _the_rest(week, time)
            figures = {
                name: chamado_json(config, "report", name)["total"]
                for name in ("sla", "csat", "volume")
            }
            assert daemon.stop() == 0
    customers = [one for one in sink.letters if "bia@" not in one.rcpt_tos[0]]
    kinds = [one.content.split(b"Message-ID: <")[1].split(b".")[0] for one in customers]
    assert {kind.decode(): kinds.count(kind) for kind in set(kinds)} == {
        "ack": 6,
        "reply": 4,
        "info_request": 1,
        "resolved": 2,
        "survey": 2,
        "reminder": 1,
        "closed": 1,
    }
    first = figures["sla"]["first_response"]
    # Three after an hour, Fabio after 23.5, Davi after 24.5, which is late; Emma never.
    assert (first["promised"], first["in_time"]) == (6, 4)
    assert (first["late"], first["missed"]) == (1, 1)
    mean = (3 * 1 + 23.5 + 24.5) * 3600 / 5
    assert first["wall"]["mean"] == pytest.approx(mean, abs=120)
    csat = figures["csat"]
    assert (csat["sent"], csat["answers"], csat["average"]) == (2, 1, 5)
    assert (figures["volume"]["opened"], figures["volume"]["reopened"]) == (6, 0)
