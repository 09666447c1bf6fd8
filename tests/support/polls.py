"""A resolved case, its survey, the page it leads to: what survey tests begin with."""

import email
import re
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from html import unescape
from html.parser import HTMLParser
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

from chamado.config.address import Address
from chamado.config.settings import Survey
from chamado.daemon import actions, casefile
from chamado.daemon.core.types import Resolution
from chamado.daemon.http.server import HttpServer
from chamado.daemon.http.survey import SurveyPages
from chamado.daemon.http.throttle import Throttle
from chamado.daemon.store import schema
from chamado.daemon.store.engine import Store
from chamado.daemon.surveys import Surveys
from chamado.notifier.types import Letter
from tests.support.house import House, message

BIA = Address(name="Bia", address="bia@acme.example")
BASE = "https://support.acme.example"
BY_WEB = Survey(base_url=BASE)
BY_MAIL = Survey()
DAY = 24
FORM = "application/x-www-form-urlencoded"
#: What `counted` says of a survey that nobody has answered.
UNANSWERED = ("sent", None, "", None)


def surveys(home: House) -> Surveys:
    """The surveys of a house."""
    return Surveys(home.store, lambda: home.desk)


def opened(home: House, sender: str = "Ana Souza <ana@example.com>", **how: Any) -> int:
    """Let a customer open a case; return its number."""
    address = sender.partition("<")[2].rstrip(">") or sender
    content = message(
        how.pop("text", f"A tela fica azul para {address}."),
        sender=sender,
        message_id=f"<{len(home.rows(schema.inbox))}@example.com>",
        subject=how.pop("subject", "Tela azul"),
    )
    fate = home.mail(content, mail_from=address, **how)
    return int(fate["ticket"])


def resolved(home: House, code: Resolution = Resolution.ANSWERED, **how: Any) -> int:
    """Let a customer open a case and an agent resolve it; return its number."""
    number = opened(home, **how)
    resolve(home, number, code)
    return number


def resolve(home: House, number: int, code: Resolution = Resolution.ANSWERED) -> None:
    """Let an agent resolve a case."""
    with home.store.write() as work:
        actions.resolve(work, home.desk, number, BIA, code, "", now=home.clock())


def asked(home: House, **how: Any) -> tuple[int, Letter]:
    """Bring a case to the point where its survey has left; return number and letter."""
    number = resolved(home, **how)
    home.clock.move(hours=DAY)
    assert surveys(home).send_due() == 1
    home.deliver()
    return number, home.relay.letters[-1]


def read(letter: Letter) -> EmailMessage:
    """Read a letter as a mail program does."""
    found = email.message_from_bytes(letter.content, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def text_of(letter: Letter) -> str:
    """The plain text of a letter."""
    part = read(letter).get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def token_of(letter: Letter) -> str:
    """The token that a survey's letter carries."""
    found = re.search(r"(?<=[+/0])[a-z2-7]{26}(?![a-z0-9])", text_of(letter))
    assert found, text_of(letter)
    return found[0]


def shown(home: House, number: int) -> dict[str, Any]:
    """The case as `ticket show --json` prints it."""
    with home.store.read() as work:
        found = casefile.read(work, number, "Acme Suporte")
    assert found is not None
    return found


def counted(home: House, number: int) -> tuple[Any, ...]:
    """State, score, comment and way of a case's survey."""
    survey = shown(home, number)["survey"]
    return tuple(survey[name] for name in ("state", "score", "comment", "via"))


def events(home: House, number: int) -> list[str]:
    """The kinds of what happened on a case, oldest first."""
    rows = home.rows(schema.event)
    return [row["kind"] for row in rows if row["ticket"] == number]


class _Form(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.action = self.method = ""
        self.forms = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "form":
            self.forms += 1
            self.action, self.method = found["action"] or "", found["method"] or ""
        name, value = found.get("name"), found.get("value") or ""
        chosen = found.get("type") != "radio" or "checked" in found
        if tag == "input" and name and chosen:
            self.fields[name] = value


@dataclass(frozen=True)
class Page:
    """An answer of the server."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def words(self) -> str:
        """What a person reads on it."""
        body = self.text.partition("</head>")[2]
        return unescape(re.sub(r"<[^>]+>", " ", body))

    @property
    def form(self) -> _Form:
        """The form on it."""
        form = _Form()
        form.feed(self.text)
        return form


@dataclass
class Site:
    """The pages of a house on a port of this machine, and a visitor from `peer`."""

    port: int
    peer: str = "127.0.0.1"

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        **headers: str,
    ) -> Page:
        """Make one request of one connection."""
        connection = HTTPConnection(
            "127.0.0.1", self.port, timeout=30, source_address=(self.peer, 0)
        )
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            text = answer.read().decode()
            return Page(answer.status, dict(answer.getheaders()), text)
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Page:
        """Read a page."""
        return self.ask("GET", path, **headers)

    def post(self, path: str, fields: Mapping[str, str], **headers: str) -> Page:
        """Send a form."""
        named = {"Content_Type": FORM, **headers}
        return self.ask("POST", path, urlencode(fields).encode(), **named)

    def vote(self, token: str, score: int, comment: str = "", **headers: str) -> Page:
        """Do what a person does: read the page, choose, send."""
        form = self.get(f"/survey/{token}?score={score}").form
        fields = {**form.fields, "score": str(score), "comment": comment}
        return self.post(f"/survey/{form.action}", fields, **headers)


@contextmanager
def site(
    home: House,
    throttle: Throttle | None = None,
    *,
    store: Store | None = None,
    refresh: Callable[[], None] = lambda: None,
) -> Iterator[Site]:
    """Serve the pages of a house, or of its people with another database."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    pages = SurveyPages(
        Surveys(store or home.store, lambda: home.desk),
        lambda: home.desk.settings,
        throttle or Throttle(burst=100_000, a_second=100_000),
    )
    server = HttpServer(
        [listening],
        alive=lambda: None,
        ready=lambda: None,
        refresh=refresh,
        pages=pages.routes,
    )
    stop = threading.Event()
    thread = threading.Thread(target=server.run, args=(stop, lambda: None))
    port = listening.getsockname()[1]
    thread.start()
    try:
        _await_server(port)
        yield Site(port)
    finally:
        stop.set()
        thread.join(30)
        listening.close()


def _await_server(port: int) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            assert time.monotonic() < end, "the server does not come up"
            time.sleep(0.02)
