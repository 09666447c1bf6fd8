"""Working on cases in a house: as the customer by mail, as an agent by actions."""

import email
import email.policy
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

from chamado.config.address import Address
from chamado.daemon import actions, lifecycle
from chamado.daemon.core.evidence import Topic
from chamado.daemon.core.types import Resolution
from chamado.daemon.correspondence import Said
from chamado.daemon.enclosed import Files
from chamado.daemon.store import schema
from tests.support.house import House, message

BIA = Address(name="Bia", address="bia@acme.example")
ANA = "ana@example.com"


def parsed(content: bytes) -> EmailMessage:
    """Read a letter as mail programs do."""
    return email.message_from_bytes(content, policy=email.policy.default)


def words_of(letter: EmailMessage) -> str:
    """The plain text of a letter."""
    part = letter.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


@dataclass
class Desk:
    """A house with people in it."""

    home: House
    sent: int = 0

    def opens(self, text: str = "A tela fica azul.", **how: Any) -> int:
        """A customer writes for the first time; return the number of the case."""
        self.sent += 1
        raw = message(text, message_id=f"<c{self.sent}@example.com>", **how)
        sender = how.get("sender", f"Ana <{ANA}>").rpartition("<")[2].strip(">")
        fate = self.home.mail(raw, mail_from=sender)
        assert fate["outcome"] == "ticket_opened", fate
        number: int = fate["ticket"]
        return number

    def answers(
        self,
        number: int,
        text: str,
        *,
        by: str = ANA,
        files: Sequence[tuple[str, str, bytes]] = (),
        **headers: str,
    ) -> dict[str, Any]:
        """A customer answers the newest letter they got; return the mail's fate."""
        id_ = self.hands_in(number, text, by=by, files=files, **headers)
        self.home.process(id_)
        return self.home.fate(id_)

    def hands_in(
        self,
        number: int,
        text: str,
        *,
        by: str = ANA,
        files: Sequence[tuple[str, str, bytes]] = (),
        **headers: str,
    ) -> int:
        """Take such an answer in without working on it; return its inbox id."""
        self.sent += 1
        letter = self.letters(number, to=by)[-1]
        made = EmailMessage()
        made["From"], made["To"] = by, letter["Reply-To"]
        made["Subject"] = "Re: tela azul"
        made["Message-ID"] = f"<c{self.sent}@example.com>"
        made["In-Reply-To"] = letter["Message-ID"]
        for name, value in headers.items():
            made[name.replace("_", "-")] = value
        made.set_content(text)
        for name, kind, content in files:
            main, _, sub = kind.partition("/")
            made.add_attachment(content, maintype=main, subtype=sub, filename=name)
        rcpt = letter["Reply-To"].addresses[0].addr_spec
        raw = bytes(made).replace(b"\n", b"\r\n")
        return self.home.take(raw, mail_from=by, rcpt=rcpt)

    def reply(self, number: int, text: str = "Tente de novo, por favor.") -> Said:
        """Bia answers the customer."""
        home = self.home
        with home.store.write() as work:
            return actions.reply(
                work, home.desk, number, BIA, text, Files(), now=home.clock()
            )

    def note(self, number: int, text: str) -> None:
        """Bia writes something for agents' eyes only."""
        with self.home.store.write() as work:
            actions.note(work, number, BIA, text, Files(), now=self.home.clock())

    def ask(self, number: int, *topics: Topic, text: str = "") -> Said:
        """Bia asks the customer for more."""
        home = self.home
        with home.store.write() as work:
            return actions.request_info(
                work, home.desk, number, BIA, topics, text, now=home.clock()
            )

    def resolve(
        self, number: int, code: Resolution = Resolution.ANSWERED, text: str = ""
    ) -> Said:
        """Bia ends a case."""
        home = self.home
        with home.store.write() as work:
            return actions.resolve(
                work, home.desk, number, BIA, code, text, now=home.clock()
            )

    def reopen(self, number: int) -> None:
        """Bia takes a case up again."""
        home = self.home
        with home.store.write() as work:
            actions.reopen(work, home.desk, number, who=BIA.address, now=home.clock())

    def tick(self) -> lifecycle.Done:
        """Let the clock look at cases on which nobody says anything."""
        return lifecycle.tick(self.home.store, self.home.desk)

    def case(self, number: int) -> dict[str, Any]:
        """The row of a case."""
        rows = self.home.rows(schema.ticket)
        return next(row for row in rows if row["number"] == number)

    def events(self, number: int) -> list[dict[str, Any]]:
        """The history of a case."""
        return [e for e in self.home.rows(schema.event) if e["ticket"] == number]

    def happened(self, number: int, kind: str) -> list[dict[str, Any]]:
        """The facts of the events of a kind."""
        return [e["facts"] for e in self.events(number) if e["kind"] == kind]

    def entries(self, number: int) -> list[dict[str, Any]]:
        """Everything said on a case."""
        return [e for e in self.home.rows(schema.entry) if e["ticket"] == number]

    def letters(
        self, number: int, kind: str | None = None, to: str | None = None
    ) -> list[EmailMessage]:
        """The letters on a case, oldest first."""
        return [
            parsed(row["content"])
            for row in self.home.rows(schema.outbox)
            if row["ticket"] == number
            and kind in (None, row["kind"])
            and to in (None, row["rcpt_to"])
        ]

    def clocks(self, number: int) -> dict[str, dict[str, Any]]:
        """The newest clock of each kind on a case."""
        rows = self.home.rows(schema.deadline)
        return {row["kind"]: row for row in rows if row["ticket"] == number}
