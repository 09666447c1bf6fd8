"""A desk as its people live it: a running daemon, customers and agents who write mail.

Mail comes in by SMTP, LMTP and a mailbox, each vouched for by the border, and what
leaves is taken by a relay; agents answer the very notices that it took. `expects` says
how many letters come of what was just done, and nothing goes on before they are there.
"""

import random
import re
import smtplib
import struct
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar
from zlib import compress, crc32

from tests.support.daemon import SUPPORT, Daemon, chamado, chamado_json, wait_until
from tests.support.dovecot import Dovecot
from tests.support.moving_time import MovingTime
from tests.support.polls import Site
from tests.support.sink import Sink

AUTHSERV = "mx.acme.example"
_OUTCOMES = re.compile(r"^chamado_mail_outcomes_total\{.*\} (\S+)$", re.M)
_One = TypeVar("_One")
_Done = TypeVar("_Done")
_TOKEN = re.compile(r"/survey/([a-z2-7]{26})")


def screenshot(seed: int) -> bytes:
    """A PNG that no two seeds share and no compression shrinks."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    width, height = 640, 360
    noise = random.Random(seed)
    rows = b"".join(b"\0" + noise.randbytes(width) for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = chunk(b"IDAT", compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + pixels + chunk(b"IEND", b"")


def mail(
    text: str, *, picture: bytes = b"", log: bytes = b"", **headers: str
) -> EmailMessage:
    """A message as a mail program writes it, the picture within the text."""
    made = EmailMessage(policy=policy.SMTP)
    for name, value in headers.items():
        made[name.strip("_").replace("_", "-")] = value
    made.set_content(text)
    if picture:
        made.add_alternative(f'<p>{text}</p><img src="cid:tela@x">', subtype="html")
        page = made.get_body(("html",))
        assert isinstance(page, EmailMessage)
        page.add_related(picture, "image", "png", cid="<tela@x>", filename="tela.png")
    if log:
        made.add_attachment(log, "text", "plain", filename="erro.log")
    return made


def words_of(letter: EmailMessage) -> str:
    """What stands in the text and on the page of a letter."""
    parts = (letter.get_body((kind,)) for kind in ("plain", "html"))
    return "\n".join(part.get_content() for part in parts if part)


def at_once(do: Callable[[_One], _Done], all_: Iterable[_One]) -> list[_Done]:
    """Do something with each, two at the same time; return what it came to, in order.

    A command is mostly the start of a program, for which one processor is enough.
    """
    with ThreadPoolExecutor(2) as hands:
        return list(hands.map(do, all_))


@dataclass(repr=False)
class Story:
    """The daemon, its doors and the relay; `number` are the cases by customer."""

    config: Path
    daemon: Daemon
    sink: Sink
    mailbox: Dovecot
    time: MovingTime
    number: dict[str, str] = field(default_factory=dict)
    sent: int = 0
    moves: list[float] = field(default_factory=list)
    expected: "Counter[str]" = field(default_factory=Counter)
    taken: list[tuple[str, EmailMessage]] = field(default_factory=list)

    def later(self, hours: float) -> None:
        """Let it become so many hours after the beginning."""
        self.moves.append(hours)
        self.time.to(hours)

    # Mail that comes in.

    def writes(
        self,
        who: str,
        text: str,
        *,
        to: str = SUPPORT,
        door: str = "smtp",
        mail_from: str | None = None,
        **how: Any,
    ) -> None:
        """Let somebody write, vouched for by the border."""
        self.sent += 1
        domain = who.partition("@")[2]
        headers = {"Subject": "Tela azul", "To": to} | how
        made = mail(
            text,
            From=f"{who.partition('@')[0].title()} <{who}>",
            Message_ID=f"<{self.sent}@{domain}>",
            **headers,
        )
        border = f"Authentication-Results: {AUTHSERV}; dmarc=pass header.from={domain}"
        raw = border.encode() + b"\r\n" + bytes(made)
        envelope = who if mail_from is None else mail_from
        if door == "mailbox":
            # The server's date of arrival counts, and its clock is ours.
            self.mailbox.deliver(raw, at=int(self.time.now().timestamp()))
        elif door == "lmtp":
            with smtplib.LMTP(str(self.config.parent / "lmtp")) as client:
                client.sendmail(envelope, to, raw)
        else:
            assert self.daemon.send(raw, mail_from=envelope, rcpt=to)

    def answers(self, who: str, kind: str, text: str, **how: Any) -> None:
        """Let somebody answer the newest letter of a kind that came to them."""
        self.answers_letter(who, self.letters(kind, who)[-1], text, **how)

    def answers_notice(self, agent: str, whose: str, text: str) -> None:
        """Let an agent answer the newest notice that told of a customer's case."""
        mark = f"<notice.{self.number[whose]}."
        told = [n for n in self.letters("notice", agent) if mark in n["Message-ID"]]
        self.answers_letter(agent, told[-1], text)

    def answers_letter(
        self, who: str, letter: EmailMessage, text: str, **how: Any
    ) -> None:
        """Let somebody answer a letter."""
        to = letter["Reply-To"].addresses[0].addr_spec
        about = {"Subject": f"Re: {letter['Subject']}", "To": to} | how
        self.writes(who, text, In_Reply_To=str(letter["Message-ID"]), **about)

    def comes_back(self, kind: str, who: str) -> None:
        """Let a letter come back undelivered."""
        self.sent += 1
        (letter,) = self.letters(kind, who)
        report = (
            f"From: MAILER-DAEMON@mx.example\r\nTo: {SUPPORT}\r\n"
            f"Subject: Undelivered Mail\r\nMessage-ID: <{self.sent}@mx.example>\r\n"
            "MIME-Version: 1.0\r\nAuto-Submitted: auto-replied\r\nContent-Type: "
            "multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
            "--b\r\nContent-Type: text/plain\r\n\r\nunknown\r\n--b\r\n"
            "Content-Type: message/delivery-status\r\n\r\n"
            "Reporting-MTA: dns; mx.example\r\n\r\n"
            f"Final-Recipient: rfc822; {who}\r\nAction: failed\r\nStatus: 5.1.1\r\n"
            "\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
            f"Message-ID: {letter['Message-ID']}\r\n\r\n--b--\r\n"
        )
        assert self.daemon.send(report.encode(), mail_from="")

    def filed(self) -> None:
        """Wait until everything that was written has its fate."""
        web = self._web()

        def done() -> bool:
            counts = _OUTCOMES.findall(web.get("/metrics").text)
            return sum(map(float, counts)) == self.sent

        wait_until(done)

    def _web(self) -> Site:
        return Site(int(self.daemon.http.rpartition(":")[2]))

    # Letters that leave.

    def letters(self, kind: str = "", who: str = "") -> list[EmailMessage]:
        """What the relay took of a kind, for somebody, oldest first."""
        for one in self.sink.letters[len(self.taken) :]:
            letter = message_from_bytes(one.content, policy=policy.default)
            assert isinstance(letter, EmailMessage)
            self.taken.append((one.rcpt_tos[0], letter))
        return [
            letter
            for to, letter in self.taken
            if (not who or to == who)
            and (not kind or letter["Message-ID"].startswith(f"<{kind}."))
        ]

    def expects(self, **kinds: int) -> None:
        """Wait until everything is filed and so many more letters have left."""
        self.filed()
        self.expected.update(kinds)
        try:
            wait_until(lambda: not self.expected - Counter(self.counted()))
        except AssertionError:
            missing = self.expected - Counter(self.counted())
            raise AssertionError(
                f"{missing} never left; did {self.counted()}"
            ) from None

    def counted(self) -> dict[str, int]:
        """How many letters of each kind have left."""
        ids = [str(letter["Message-ID"]) for letter in self.letters()]
        return dict(Counter(id_[1:].partition(".")[0] for id_ in ids))

    def opened(self, *whose: str) -> None:
        """Learn the numbers of new cases from their acknowledgements."""
        self.expects(ack=len(whose))
        for who in whose:
            (ack,) = self.letters("ack", who)
            self.number[who] = str(ack["Message-ID"]).split(".")[1]

    # The command line.

    def does(
        self, what: str, *whose: str, by: str = "", more: Iterable[str] = ()
    ) -> None:
        """Let an agent do something on cases, two at once."""
        agent = ("--agent", by) if by else ()

        def do(who: str) -> None:
            chamado(self.config, "ticket", what, self.number[who], *agent, *more)

        at_once(do, whose)

    def words(self, text: str) -> tuple[str, str]:
        """Write words down for a command."""
        file = self.config.parent / f"words-{crc32(text.encode())}"
        file.write_text(text)
        return "--body-file", str(file)

    def told(self, event: str) -> int:
        """How often the log tells of something."""
        return self.daemon.output().count(event)

    def creates(self, who: str, *arguments: str) -> None:
        """Let an agent open a case for somebody."""
        whole = ("ticket", "create", "--requester", who, *arguments)
        self.number[who] = str(chamado_json(self.config, *whole)["number"])

    def splits(self, who: str, entry: int) -> str:
        """Let an agent give a message a case of its own; return its number."""
        whole = (self.number[who], "--entry", str(entry))
        return str(chamado_json(self.config, "ticket", "split", *whole)["number"])

    def case(self, who: str) -> dict[str, Any]:
        """A case as `ticket show` tells it."""
        number = self.number[who]
        shown: dict[str, Any] = chamado_json(self.config, "ticket", "show", number)
        return shown

    def report(self, name: str) -> dict[str, Any]:
        """A report on the time since the beginning of the first day."""
        since = f"{self.time.begins:%Y-%m-%d}"
        found: dict[str, Any] = chamado_json(
            self.config, "report", name, "--since", since
        )
        return found

    def stand(self, *whose: str) -> list[str]:
        """Where cases stand, as `ticket list` tells it."""
        everything = ("ticket", "list", "--all", "--limit", "1000")
        rows = chamado_json(self.config, *everything)
        status = {str(row["number"]): str(row["status"]) for row in rows}
        return [status[self.number[who]] for who in whose]

    def picture(self, who: str) -> bytes:
        """The newest screenshot of a case, taken out of it by `ticket file`."""
        files = [f for e in self.case(who)["entries"] for f in e["attachments"]]
        ids = [str(f["id"]) for f in files if f["role"] == "screenshot"]
        file = self.config.parent / f"{ids[-1]}.png"
        chamado(self.config, "ticket", "file", ids[-1], "--output", str(file))
        return file.read_bytes()

    # The survey's page.

    def votes(self, who: str, score: int, comment: str = "") -> None:
        """Let a customer open the page of the survey's letter, choose and send."""
        (letter,) = self.letters("survey", who)
        found = _TOKEN.search(words_of(letter))
        assert found
        assert self._web().vote(found[1], score, comment).status == 200
