"""Desks behind a gateway that takes from every letter what would tell its machine.

It hands a letter on under a sender that can be answered, after as many hours of the
desks' time as the test says. Rest is when all desks have filed what they were handed
and have nothing more to send.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from tests.support.daemon import Daemon, wait_until
from tests.support.moving_time import MovingTime
from tests.support.polls import Site
from tests.support.sink import Sink

#: What an honest relay leaves alone and a careless gateway rewrites or removes.
TELLING = (
    "Auto-Submitted",
    "Precedence",
    "X-Auto-Response-Suppress",
    "X-Chamado-Loop",
    "In-Reply-To",
    "References",
    "Content-Language",
    "Return-Path",
)
MOST = 40
_OUTCOMES = re.compile(r"^chamado_mail_outcomes_total\{.*\} (\S+)$", re.M)
_OWED = re.compile(
    r'^chamado_outbox_letters\{state="(?:queued|sending|deferred)"\} (\S+)$', re.M
)


@dataclass
class Desk:
    """A running daemon with its support address; `handed` counts its mail."""

    address: str
    daemon: Daemon
    handed: int = 0

    def hand(self, raw: bytes, mail_from: str) -> None:
        """Let a mail come in by SMTP."""
        assert self.daemon.send(raw, mail_from=mail_from, rcpt=self.address)
        self.handed += 1

    def settle(self) -> None:
        """Wait until all of it is filed, and then until all letters have left.

        In this order: what a mail is answered with is queued when it is filed.
        """
        wait_until(lambda: self._sum(_OUTCOMES) == self.handed)
        wait_until(lambda: self._sum(_OWED) == 0)

    def _sum(self, pattern: "re.Pattern[str]") -> float:
        page = Site(int(self.daemon.http.rpartition(":")[2])).get("/metrics")
        return sum(map(float, pattern.findall(page.text)))


@dataclass
class Gateway:
    """The relay of some desks; `others` are people and robots by their address."""

    sink: Sink
    time: MovingTime
    hours: float = 0.0
    desks: list[Desk] = field(default_factory=list)
    others: dict[str, Callable[[EmailMessage], None]] = field(default_factory=dict)
    carried: int = 0

    def carry(self) -> None:
        """Hand on what the desks send until all is at rest."""
        while True:
            for desk in self.desks:
                desk.settle()
            waiting = self.sink.letters[self.carried :]
            if not waiting:
                return
            for one in waiting:
                self.carried += 1
                assert self.carried < MOST, "they would go on for ever"
                self.time.to(self.time.hours + self.hours)
                self._hand_on(one.rcpt_tos[0], one.content)

    def _hand_on(self, to: str, content: bytes) -> None:
        letter = message_from_bytes(content, policy=policy.SMTP)
        assert isinstance(letter, EmailMessage)
        if other := self.others.get(to):
            other(letter)
            return
        for name in [*TELLING, *(n for n in letter if n.startswith("List-"))]:
            del letter[name]
        (desk,) = (desk for desk in self.desks if desk.address == to)
        desk.hand(bytes(letter), letter["From"].addresses[0].addr_spec)
