"""The IMAP source against servers that are broken, hostile or merely unusual."""

import base64
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from chamado.config.settings import Mailbox
from chamado.daemon.sources.imap import ImapSource
from chamado.daemon.sources.source import Accepted, MailboxState, RawMessage
from tests.integration.imap.conftest import BRISK, Start
from tests.support.doors import Ledger, MemoryBook, MemoryDoor, StoreError
from tests.support.imap_script import FakeImap, Hangup, Talk

MAIL = b"From: ana@example.com\r\nSubject: ajuda\r\n\r\noi\r\n"


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    """Return a server's context for localhost, and its authority's file."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context, tmp_path / "ca.pem"


Serve = Callable[..., FakeImap]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start fake servers; each ends with the test."""
    servers: list[FakeImap] = []

    def begin(kind: type[FakeImap], *args: object, **more: object) -> FakeImap:
        servers.append(kind(*args, **more))  # type: ignore[arg-type]  # passed on
        return servers[-1]

    yield begin
    for server in servers:
        server.__exit__()


def alarmed(ledger: Ledger, words: str) -> None:
    """Wait for a report with these words."""
    ledger.wait_until(lambda: any(words in error for *_, error in ledger.reports))


def test_i02_a_greeting_that_skips_the_login_is_refused(
    serve: Serve,
    start: Start,
    ledger: Ledger,
    certificate: tuple[ssl.SSLContext, Path],
) -> None:
    """PREAUTH would keep us from STARTTLS: nothing secret is sent, mail stays."""

    class Preauth(FakeImap):
        greeting = b"* PREAUTH welcome\r\n"
        capabilities = "IMAP4rev1 STARTTLS AUTH=PLAIN"

    server = serve(Preauth, {1: MAIL}, certificate[0])
    start(port=server.port, host="localhost", tls="starttls", ca_file=certificate[1])
    alarmed(ledger, "PREAUTH")
    assert not server.count(b"LOGIN")
    assert not server.count(b"AUTHENTICATE")
    assert not ledger.rows


def test_i02_a_server_without_starttls_gets_no_password(
    serve: Serve,
    start: Start,
    ledger: Ledger,
    certificate: tuple[ssl.SSLContext, Path],
) -> None:
    """Somebody on the way may have taken STARTTLS out of what the server offers."""
    server = serve(FakeImap, {1: MAIL})
    start(port=server.port, host="localhost", tls="starttls", ca_file=certificate[1])
    alarmed(ledger, "STARTTLS")
    assert not server.count(b"AUTHENTICATE")
    assert not server.count(b"LOGIN")


def test_a_ca_file_that_is_missing_is_named(
    serve: Serve, start: Start, ledger: Ledger, tmp_path: Path
) -> None:
    """The report says which setting is wrong; nothing is sent."""
    server = serve(FakeImap)
    start(port=server.port, tls="implicit", ca_file=tmp_path / "none.pem")
    alarmed(ledger, f"ca_file: {tmp_path / 'none.pem'} is no file of certificates")
    assert not server.commands


def test_i03_what_was_said_in_clear_counts_for_nothing_under_tls(
    serve: Serve,
    start: Start,
    ledger: Ledger,
    certificate: tuple[ssl.SSLContext, Path],
) -> None:
    """Lines before and behind the OK of STARTTLS are forgotten, not obeyed."""

    class Injected(FakeImap):
        capabilities = "IMAP4rev1 STARTTLS LOGINDISABLED"

        def on_starttls(self, talk: Talk, tag: bytes, _: bytes) -> None:
            lie = b"* CAPABILITY IMAP4rev1 LIE-BEFORE\r\n* 9 FETCH (FLAGS ())\r\n"
            behind = b"* CAPABILITY IMAP4rev1 LIE-BEHIND\r\nzz OK hello\r\n"
            talk.send(lie + tag + b" OK begin\r\n" + behind)
            assert self.tls
            talk.start_tls(self.tls)
            self.capabilities = "IMAP4rev1 MOVE AUTH=PLAIN"

    server = serve(Injected, {1: MAIL}, certificate[0])
    start(
        port=server.port,
        host="localhost",
        tls="starttls",
        ca_file=certificate[1],
        idle=False,
    )
    ledger.wait_for_rows(1)
    ledger.wait_until(lambda: server.moved == [1])
    assert server.connections == 1
    assert server.count(b"AUTHENTICATE PLAIN") == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_clear_text_is_for_loopback_only(
    serve: Serve, start: Start, ledger: Ledger, host: str
) -> None:
    """Names of this machine are fine; the rule is judged by the address."""
    server = serve(FakeImap, {1: MAIL})
    start(port=server.port, host=host)
    ledger.wait_for_rows(1)


@pytest.mark.parametrize(
    "settings",
    [
        {"folder": "a\r\nX LOGOUT"},
        {"folder": "a\x00"},
        {"folder": ""},
        {"user": "x\r\nA1 DELETE INBOX"},
        {"after": "move:a\r\nX LOGOUT"},
        {"after": "move:INBOX"},
        {"after": "flag:a b"},
        {"after": "flag:\\Deleted"},
        {"after": "delete"},
    ],
)
def test_i04_settings_that_could_end_a_command_never_reach_a_socket(
    ledger: Ledger, settings: dict[str, str]
) -> None:
    """A source with such settings cannot even be made."""
    given = {"name": "support", "host": "127.0.0.1", "user": "u", **settings}
    with pytest.raises(ValueError, match=r"control character|after = |keyword"):
        ImapSource(
            settings=Mailbox.model_validate(given),
            secret=lambda: "secret",
            book=MemoryBook(ledger),
            message_bytes=1000,
            recipients=(),
        )


def test_i04_a_password_with_a_line_break_is_not_sent_by_login(
    serve: Serve, start: Start, ledger: Ledger
) -> None:
    """SASL coats any password; the LOGIN command cannot."""

    class Plain(FakeImap):
        capabilities = "IMAP4rev1"

    server = serve(Plain, {1: MAIL})
    start(port=server.port, password=lambda: "s\r\nX DELETE INBOX")
    alarmed(ledger, "password")
    assert not server.count(b"DELETE")


def test_a_login_command_quotes_user_and_password(
    serve: Serve, start: Start, ledger: Ledger
) -> None:
    """Windows domains and blanks in names come through as they are."""

    class Plain(FakeImap):
        capabilities = "IMAP4rev1 MOVE"

    server = serve(Plain, {1: MAIL})
    start(port=server.port, user='ACME\\Ana "A" Silva', password=lambda: 'a"b\\c')
    ledger.wait_for_rows(1)
    assert server.count(rb'LOGIN "ACME\\Ana \"A\" Silva" "a\"b\\c"') == 1


class Deep(FakeImap):
    """Answers the first fetch of a body with brackets without end."""

    done = False

    def send_body(self, talk: Talk, uid: int) -> None:
        if not self.done:
            self.done = True
            talk.send(b"* 1 FETCH " + b"(" * 100_000 + b"\r\n")
        super().send_body(talk, uid)


class Endless(FakeImap):
    """Answers the first search with a line that does not end."""

    done = False

    def on_search(self, talk: Talk, tag: bytes, arguments: bytes) -> None:
        if not self.done:
            self.done = True
            talk.send(b"* SEARCH" + b" 1" * 2_000_000)
        super().on_search(talk, tag, arguments)


class Huge(FakeImap):
    """Announces ten gigabytes where 45 bytes were promised."""

    done = False

    def send_body(self, talk: Talk, uid: int) -> None:
        if not self.done:
            self.done = True
            talk.send(b"* 1 FETCH (UID 1 BODY[] {9999999999}\r\n")
            return
        super().send_body(talk, uid)


class Flood(FakeImap):
    """Says something for ever without ever answering."""

    done = False

    def on_search(self, talk: Talk, tag: bytes, arguments: bytes) -> None:
        if self.done:
            super().on_search(talk, tag, arguments)
            return
        self.done = True
        while True:
            talk.send(b"* OK " + b"still thinking " * 6000 + b"\r\n")


class Garbage(FakeImap):
    """Answers the first question for sizes with nonsense."""

    done = False

    def send_facts(self, talk: Talk, uid: int) -> None:
        if not self.done:
            self.done = True
            talk.send(b'* 1 FETCH (UID one RFC822.SIZE NIL INTERNALDATE "x)\r\n')
        super().send_facts(talk, uid)


@pytest.mark.parametrize("kind", [Deep, Endless, Huge, Flood, Garbage])
def test_i06_an_answer_that_cannot_be_read_costs_a_connection_and_no_message(
    serve: Serve, start: Start, ledger: Ledger, kind: type[FakeImap]
) -> None:
    """The source drops the connection, waits and finds every UID again."""
    server = serve(kind, {1: MAIL, 2: MAIL + b"2"})
    start(port=server.port)
    ledger.wait_for_rows(2)
    ledger.wait_until(lambda: server.moved == [1, 2] or server.moved == [2, 1])
    assert any(not connected for _, connected, _ in ledger.reports)


def test_i06_a_hostile_answer_never_reaches_the_log_as_it_is(
    serve: Serve, start: Start, ledger: Ledger
) -> None:
    """What a server says is cut short and cannot paint a terminal."""

    class Painter(FakeImap):
        def on_select(self, talk: Talk, tag: bytes, _: bytes) -> None:
            talk.send(tag + b" NO \x1b[2J" + b"x" * 5000 + b"\r\n")

    start(port=serve(Painter, {1: MAIL}).port)
    alarmed(ledger, "opening the folder")
    assert all("\x1b" not in error for *_, error in ledger.reports)
    assert all(len(error) < 500 for *_, error in ledger.reports)


def test_i16_a_server_that_hangs_up_in_idle_is_not_asked_in_a_spin(
    serve: Serve, start: Start, ledger: Ledger
) -> None:
    """EOF is no news: the source waits longer and longer and burns no time."""

    class Leaver(FakeImap):
        def while_idle(self, talk: Talk) -> None:
            raise Hangup

    server = serve(Leaver)
    start(port=server.port, pace=replace(BRISK, retry=0.2, steady=60))
    server.wait_until(b"IDLE", 2)
    cpu, connections = time.process_time(), server.connections
    time.sleep(1)
    assert time.process_time() - cpu < 0.2
    assert server.connections - connections < 8


def test_i16_news_in_two_halves_is_news(
    serve: Serve, start: Start, ledger: Ledger
) -> None:
    """A line that comes in two packets rings, and costs no connection."""
    halfway = threading.Event()

    class Slow(FakeImap):
        def while_idle(self, talk: Talk) -> None:
            if 2 in self.mails or self.moved:
                return
            talk.send(b"* 1 EXI")
            halfway.wait(5)
            self.mails[2] = MAIL
            talk.send(b"STS\r\n")

    server = serve(Slow)
    start(port=server.port, pace=replace(BRISK, gather=0.2))
    server.wait_until(b"IDLE")
    halfway.set()
    ledger.wait_for_rows(1)
    assert server.connections == 1


def test_news_with_the_consent_to_idle_is_not_lost(
    serve: Serve, start: Start, ledger: Ledger
) -> None:
    """Mail that comes between the search and IDLE rings before we listen."""

    class Early(FakeImap):
        def on_idle(self, talk: Talk, tag: bytes, _: bytes) -> None:
            early = not self.moved and not self.mails
            if early:
                self.mails[5] = MAIL
            talk.send(b"* 1 EXISTS\r\n+ idling\r\n" if early else b"+ idling\r\n")
            assert talk.line() == b"DONE"
            self.ok(talk, tag)

    start(port=serve(Early).port)
    ledger.wait_for_rows(1, 5)


def test_news_with_the_answer_to_another_command_is_not_lost(
    serve: Serve, start: Start, ledger: Ledger
) -> None:
    """A server tells of new mail once, perhaps while we still fetch the last one."""

    class Busy(FakeImap):
        def send_body(self, talk: Talk, uid: int) -> None:
            super().send_body(talk, uid)
            if uid == 1:
                self.mails[2] = MAIL + b"2"
                talk.send(b"* 2 EXISTS\r\n")

        def on_move(self, talk: Talk, tag: bytes, arguments: bytes) -> None:
            talk.send(b"* 1 EXPUNGE\r\n")
            super().on_move(talk, tag, arguments)
            if len(self.moved) == 2:
                self.mails[3] = MAIL + b"3"
                talk.send(b"* 1 EXISTS\r\n")

    start(port=serve(Busy, {1: MAIL}).port)
    ledger.wait_for_rows(3, 5)


@pytest.mark.parametrize("where", ["search", "idle"])
def test_a_server_that_rings_for_nothing_is_not_asked_in_a_spin(
    serve: Serve, start: Start, ledger: Ledger, where: str
) -> None:
    """Some tell how much mail there is with every answer, or whenever one listens."""

    class Chatty(FakeImap):
        def on_search(self, talk: Talk, tag: bytes, arguments: bytes) -> None:
            if where == "search":
                talk.send(b"* %d EXISTS\r\n" % len(self.mails))
            super().on_search(talk, tag, arguments)

        def while_idle(self, talk: Talk) -> None:
            if where == "idle":
                talk.send(b"* %d EXISTS\r\n" % len(self.mails))

    server = serve(Chatty, {1: MAIL})
    start(port=server.port, pace=replace(BRISK, gather=0.1))
    ledger.wait_for_rows(1)
    searches = server.count(b"SEARCH")
    time.sleep(1)
    assert server.count(b"SEARCH") - searches < 6


@pytest.mark.parametrize("answer", [b"NO not today", b"BAD what?"])
def test_a_server_that_refuses_idle_is_asked_by_the_clock(
    serve: Serve, start: Start, ledger: Ledger, answer: bytes
) -> None:
    """Whatever it promised in its capabilities, on the same connection."""

    class Deaf(FakeImap):
        def on_idle(self, talk: Talk, tag: bytes, _: bytes) -> None:
            talk.send(tag + b" " + answer + b"\r\n")

    server = serve(Deaf)
    start(port=server.port, poll_seconds=0.1)
    server.wait_until(b"SELECT", 3)
    server.mails[1] = MAIL
    ledger.wait_for_rows(1)
    assert (server.connections, server.count(b"IDLE")) == (1, 1)


def test_a_server_without_uidvalidity_is_not_read(
    serve: Serve, start: Start, ledger: Ledger
) -> None:
    """Its UIDs name nothing that would last."""

    class Vague(FakeImap):
        def on_select(self, talk: Talk, tag: bytes, _: bytes) -> None:
            talk.send(b"* 1 EXISTS\r\n")
            self.ok(talk, tag)

    start(port=serve(Vague, {1: MAIL}).port)
    alarmed(ledger, "no UIDVALIDITY")
    assert not ledger.rows


@pytest.mark.parametrize("part", [b"SIZE", b"BODY"])
def test_a_message_that_is_listed_and_not_sent_is_an_alarm_and_not_forgotten(
    serve: Serve, start: Start, ledger: Ledger, part: bytes
) -> None:
    """Only what is not listed any more counts as gone."""

    class Withholding(FakeImap):
        def asked(self, arguments: bytes) -> list[int]:
            asked = super().asked(arguments)
            return [uid for uid in asked if uid != 2 or part not in arguments]

    server = serve(Withholding, {uid: MAIL + b"%d" % uid for uid in (1, 2, 3)})
    start(port=server.port)
    ledger.wait_for_rows(2)
    alarmed(ledger, "UID 2: the server does not send it")
    assert (server.moved, server.connections) == ([1, 3], 1)


def test_a_message_that_vanishes_under_our_hands_is_no_alarm(
    serve: Serve, start: Start, ledger: Ledger
) -> None:
    """Somebody moved it between its size and its body."""

    class Vanishing(FakeImap):
        def send_facts(self, talk: Talk, uid: int) -> None:
            super().send_facts(talk, uid)
            if uid == 3:
                del self.mails[2]

    start(port=serve(Vanishing, {u: MAIL + b"%d" % u for u in (1, 2, 3)}).port)
    ledger.wait_for_rows(2)
    ledger.wait_until(lambda: bool(ledger.reports))
    assert ledger.reports == [("support", True, "")]


def test_no_bytes_for_a_message_that_has_a_size_is_no_message(
    serve: Serve, start: Start, ledger: Ledger
) -> None:
    """An empty ticket and a moved mail would be a lost one."""

    class Hollow(FakeImap):
        def send_body(self, talk: Talk, uid: int) -> None:
            talk.send(b"* 1 FETCH (UID 1 BODY[] NIL)\r\n")

    start(port=serve(Hollow, {1: MAIL}).port)
    alarmed(ledger, "UID 1: the server sent no bytes")
    assert not ledger.rows


def test_f41_the_largest_uids_are_taken_in(
    serve: Serve, start: Start, ledger: Ledger
) -> None:
    """UIDs are unsigned and have 32 bits, all of them."""
    server = serve(FakeImap, {2_147_483_648: MAIL, 4_294_967_295: MAIL + b"2"})
    server.uidvalidity = 4_294_967_295
    start(port=server.port, after="keep", poll_seconds=0.1)
    ledger.wait_for_rows(2)
    ledger.wait_until(lambda: ledger.states["support"].last_uid == 4_294_967_295)
    searches = server.count(b"SEARCH")
    server.wait_until(b"EXAMINE", 3)
    assert server.count(b"SEARCH") == searches


def test_a_mailbox_of_two_hundred_thousand_is_never_listed_in_one_line(
    serve: Serve, start: Start, ledger: Ledger
) -> None:
    """A reply line over a million bytes would end imaplib; windows keep below."""

    class Large(FakeImap):
        longest = 0

        def on_search(self, talk: Talk, tag: bytes, arguments: bytes) -> None:
            words = arguments.split(b" ")
            first, _, last = words[0].partition(b":")
            window = range(int(first) - 1, int(last))
            start_at = int(words[2].partition(b":")[0])
            numbers = sorted(self.mails)
            found = [numbers[n] for n in window if numbers[n] >= start_at]
            line = b"* SEARCH" + b"".join(b" %d" % uid for uid in found) + b"\r\n"
            self.longest = max(self.longest, len(line))
            talk.send(line)
            self.ok(talk, tag)

    base = 4_000_000_000
    server = serve(Large, {base + number: MAIL for number in range(200_000)})
    key = f"imap:support/INBOX;7;{base + 199_989}"
    book = MemoryBook(ledger)
    ledger.rows[key] = None  # type: ignore[assignment]  # only the key counts
    ledger.states["support"] = MailboxState(uidvalidity=7, last_uid=base + 199_989)
    start(port=server.port, book=book, after="keep")
    ledger.wait_until(lambda: len(ledger.rows) == 11)
    assert isinstance(server, Large)
    assert 0 < server.longest < 1_000_000
    assert server.count(b"SEARCH") == 4


def test_i18_one_message_that_breaks_the_server_does_not_stop_the_others(
    serve: Serve, start: Start, ledger: Ledger
) -> None:
    """99 come in; the one that cannot be had is an alarm and tried seldom."""

    class Poisoned(FakeImap):
        def send_body(self, talk: Talk, uid: int) -> None:
            if uid == 50:
                raise Hangup
            super().send_body(talk, uid)

    mails = {uid: MAIL + b"%d" % uid for uid in range(1, 101)}
    server = serve(Poisoned, mails)
    start(port=server.port)
    ledger.wait_for_rows(99)
    alarmed(ledger, "UID 50")
    tried = server.count(b"UID FETCH 50 (BODY")
    assert tried <= 3
    assert sorted(server.mails) == [50]


def test_i18_a_message_the_server_denies_does_not_stop_the_others(
    serve: Serve, start: Start, ledger: Ledger
) -> None:
    """NO to a batch takes the batch apart, on the same connection."""

    class Denying(FakeImap):
        def on_fetch(self, talk: Talk, tag: bytes, arguments: bytes) -> None:
            if b"BODY" in arguments and 5 in self.asked(arguments):
                talk.send(tag + b" NO [SERVERBUG] cannot read it\r\n")
                return
            super().on_fetch(talk, tag, arguments)

    mails = {uid: MAIL + b"%d" % uid for uid in range(1, 11)}
    server = serve(Denying, mails)
    start(port=server.port)
    ledger.wait_for_rows(9)
    alarmed(ledger, "UID 5")
    assert server.connections == 1


def test_a_message_over_the_limit_stays_and_is_not_fetched(
    serve: Serve, start: Start, ledger: Ledger
) -> None:
    """Its size is looked at once an hour, its body never; the others come in."""
    server = serve(FakeImap, {1: MAIL, 2: b"x" * 5000, 3: MAIL + b"3"})
    start(port=server.port, message_bytes=4000, poll_seconds=0.05)
    ledger.wait_for_rows(2)
    alarmed(ledger, "limits.message_bytes (4000)")
    server.wait_until(b"SELECT", 5)
    assert sorted(server.mails) == [2]
    assert server.count(b"RFC822.SIZE") == 1
    assert not any(b"BODY" in line and b" 2" in line for line in server.commands)
    assert ledger.reports[-1][1]


def test_a_message_that_is_larger_than_announced_is_not_taken(
    serve: Serve, start: Start, ledger: Ledger
) -> None:
    """Servers may be wrong about sizes; our limit is about bytes."""

    class Understating(FakeImap):
        def send_facts(self, talk: Talk, uid: int) -> None:
            talk.send(
                b"* 1 FETCH (UID 1 RFC822.SIZE 10 FLAGS () "
                b'INTERNALDATE "01-Nov-2026 10:00:00 +0000")\r\n'
            )

    start(port=serve(Understating, {1: b"x" * 5000}).port, message_bytes=4000)
    alarmed(ledger, "5000 bytes")
    assert not ledger.rows


@pytest.mark.parametrize("literal", [b"{0}\r\n", b"NIL", b'""'])
def test_a_message_without_bytes_is_still_a_message(
    serve: Serve, start: Start, ledger: Ledger, literal: bytes
) -> None:
    """However a server writes nothing: what it calls a message is not dropped."""

    class Empty(FakeImap):
        def send_body(self, talk: Talk, uid: int) -> None:
            talk.send(b"* 1 FETCH (UID 1 BODY[] " + literal + b")\r\n")

    start(port=serve(Empty, {1: b""}).port)
    ledger.wait_for_rows(1)
    assert next(iter(ledger.rows.values())).content == b""


def test_a_date_from_the_future_or_none_counts_as_now(
    serve: Serve, start: Start, ledger: Ledger
) -> None:
    """Promises to customers do not begin next year."""

    class Dated(FakeImap):
        def send_facts(self, talk: Talk, uid: int) -> None:
            date = b'"01-Jan-2099 10:00:00 +0000"' if uid == 1 else b'"no date at all"'
            talk.send(
                b"* %d FETCH (UID %d RFC822.SIZE 40 INTERNALDATE %s FLAGS ())\r\n"
                % (uid, uid, date)
            )

    start(port=serve(Dated, {1: MAIL, 2: MAIL + b"2"}).port)
    ledger.wait_for_rows(2)
    now = time.time()
    dates = [raw.envelope.received_at.timestamp() for raw in ledger.rows.values()]
    assert all(now - 60 < date <= now for date in dates)


@pytest.mark.parametrize(
    "answer", [b"BAD unknown: AUTHENTICATE %s", b"NO no such login %s", b"* BYE %s"]
)
def test_a_secret_that_the_server_repeats_is_not_repeated_by_us(
    serve: Serve,
    start: Start,
    ledger: Ledger,
    capsys: pytest.CaptureFixture[str],
    answer: bytes,
) -> None:
    """Reports and logs hold neither the password nor its coating."""

    class Parrot(FakeImap):
        def on_authenticate(self, talk: Talk, tag: bytes, _: bytes) -> None:
            talk.send(b"+ \r\n")
            words = answer % talk.line() + b" canary-secret\r\n"
            if words.startswith(b"*"):
                talk.send(words)
                raise Hangup
            talk.send(tag + b" " + words)

    watching = start(port=serve(Parrot).port, password=lambda: "canary-secret")
    ledger.wait_until(lambda: bool(ledger.reports))
    watching.end()
    said = str(ledger.reports) + "".join(capsys.readouterr())
    assert "canary" not in said
    assert "AHN1cHBvcnQAY2FuYXJ5" not in said


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("NO [AUTHENTICATIONFAILED] wrong", "login refused"),
        ("NO [UNAVAILABLE] directory is down", "not possible now"),
    ],
)
def test_f16_trouble_of_the_server_is_told_from_a_refusal(
    serve: Serve, start: Start, ledger: Ledger, answer: str, words: str
) -> None:
    """Only a refusal is worth an hour of waiting."""

    class Doorman(FakeImap):
        def on_login(self, talk: Talk, tag: bytes, _: bytes) -> None:
            talk.send(tag + f" {answer}\r\n".encode())

    start(port=serve(Doorman).port)
    alarmed(ledger, words)


def test_f16_refused_logins_are_few(serve: Serve, start: Start, ledger: Ledger) -> None:
    """With the real pace a second try comes after half a minute at the earliest."""

    class Doorman(FakeImap):
        def on_login(self, talk: Talk, tag: bytes, _: bytes) -> None:
            talk.send(tag + b" NO [AUTHENTICATIONFAILED] wrong\r\n")

    server = serve(Doorman)
    start(port=server.port, pace=replace(BRISK, login_retry=60))
    alarmed(ledger, "login refused")
    time.sleep(0.5)
    assert server.connections == 1
    assert len(ledger.reports) == 1


def test_the_door_that_is_unwell_leaves_the_mail_where_it_is(
    serve: Serve, start: Start, ledger: Ledger, door: MemoryDoor
) -> None:
    """Nothing is fetched while the disk is full; all of it is once it is not."""
    door.reason = "disk nearly full"
    server = serve(FakeImap, {1: MAIL})
    start(port=server.port)
    alarmed(ledger, "disk nearly full")
    assert not server.count(b"BODY")
    assert ledger.reports[-1][1]
    door.reason = None
    ledger.wait_for_rows(1)
    ledger.wait_until(lambda: ledger.reports[-1] == ("support", True, ""))


def test_a_door_that_fails_means_waiting_and_no_word_of_its_own(
    serve: Serve, start: Start, ledger: Ledger, door: MemoryDoor
) -> None:
    """Mail that could not be committed is neither moved nor lost."""
    door.refuse = lambda _: True
    server = serve(FakeImap, {1: MAIL, 2: MAIL + b"2"})
    start(port=server.port)
    alarmed(ledger, "cannot be stored (StoreError)")
    assert not server.moved
    assert "secret" not in str(ledger.reports)
    door.refuse = lambda _: False
    ledger.wait_for_rows(2)


def test_one_message_the_door_refuses_does_not_stop_the_others(
    serve: Serve, start: Start, ledger: Ledger, door: MemoryDoor
) -> None:
    """It stays in the mailbox with an alarm, and is offered again later."""
    door.refuse = lambda raw: raw.source_key.endswith(";2")
    server = serve(FakeImap, {uid: MAIL + b"%d" % uid for uid in (1, 2, 3)})
    start(port=server.port)
    ledger.wait_for_rows(2)
    alarmed(ledger, "UID 2: cannot be stored (StoreError)")
    assert server.moved == [1, 3]
    assert len(door.offered) <= 5


def test_a_large_message_the_door_refuses_does_not_stop_the_others(
    serve: Serve, start: Start, ledger: Ledger, door: MemoryDoor
) -> None:
    """Large ones are handed in alone; what comes behind them still has its turn."""
    door.refuse = lambda raw: raw.source_key.endswith(";1")
    server = serve(FakeImap, {1: b"x" * 5_000_000, 2: MAIL, 3: MAIL + b"3"})
    start(port=server.port, message_bytes=6_000_000)
    ledger.wait_for_rows(2)
    alarmed(ledger, "UID 1: cannot be stored")
    assert server.moved == [2, 3]


def test_mail_that_somebody_else_moved_is_not_waited_for(
    serve: Serve, start: Start, ledger: Ledger
) -> None:
    """A server may say NO to a move of nothing: then it is done with."""

    class Strict(FakeImap):
        def on_move(self, talk: Talk, tag: bytes, arguments: bytes) -> None:
            self.mails.pop(1, None)
            if not self.asked(arguments):
                talk.send(tag + b" NO nothing matched\r\n")
                return
            super().on_move(talk, tag, arguments)

    server = serve(Strict, {1: MAIL})
    start(port=server.port, poll_seconds=0.05)
    ledger.wait_for_rows(1)
    server.wait_until(b"SELECT", 4)
    assert server.count(b"MOVE") <= 2
    assert not any(error for *_, error in ledger.reports)


def test_one_message_that_cannot_be_moved_does_not_keep_the_others(
    serve: Serve, start: Start, ledger: Ledger, door: MemoryDoor
) -> None:
    """NO to a batch means that each is moved by itself, without a second ticket."""

    class Sticky(FakeImap):
        def on_move(self, talk: Talk, tag: bytes, arguments: bytes) -> None:
            if 5 in self.asked(arguments):
                talk.send(tag + b" NO [OVERQUOTA] not that one\r\n")
                return
            super().on_move(talk, tag, arguments)

    server = serve(Sticky, {uid: MAIL + b"%d" % uid for uid in range(1, 11)})
    start(port=server.port)
    ledger.wait_until(lambda: sorted(server.mails) == [5])
    alarmed(ledger, "UID 5: taken in, but: moving to 'Processed'")
    assert len(door.offered) == 10


def test_nothing_is_moved_before_the_commit(
    serve: Serve, start: Start, ledger: Ledger, door: MemoryDoor
) -> None:
    """The move waits for the future, however long that takes."""
    door.held = True
    server = serve(FakeImap, {1: MAIL})
    start(port=server.port)
    ledger.wait_until(lambda: bool(door.waiting))
    time.sleep(0.3)
    assert not server.moved
    door.let_go()
    ledger.wait_until(lambda: server.moved == [1])


def test_a_stop_while_the_door_is_busy_ends_within_its_grace(
    serve: Serve, start: Start, ledger: Ledger, door: MemoryDoor
) -> None:
    """What is not committed when the grace is over stays for the next run."""
    door.held = True
    server = serve(FakeImap, {1: MAIL})
    watching = start(port=server.port)
    ledger.wait_until(lambda: bool(door.waiting))
    before = time.monotonic()
    watching.end()
    assert time.monotonic() - before < 2
    assert not server.moved


def test_a_book_that_fails_ends_nothing_for_good(
    serve: Serve, start: Start, ledger: Ledger
) -> None:
    """Without a database there is no lease; with it again work goes on."""
    book = MemoryBook(ledger, broken=True)
    server = serve(FakeImap, {1: MAIL})
    start(port=server.port, book=book)
    alarmed(ledger, "inner error (StoreError)")
    assert not server.connections
    book.broken = False
    ledger.wait_for_rows(1)


def test_a_door_and_a_book_that_raise_are_like_any_that_fail(
    serve: Serve, start: Start, ledger: Ledger
) -> None:
    """Whatever they raise and whenever, the mailbox is worked again afterwards."""

    class Slamming(MemoryDoor):
        def accept(self, raw: RawMessage) -> "Future[Accepted]":
            if self.held:
                raise StoreError("a secret of the store")
            return super().accept(raw)

    class Blank(MemoryBook):
        def report(
            self, mailbox: str, *, connected: bool, error: str = "", read: bool = False
        ) -> None:
            super().report(mailbox, connected=connected, error=error)
            raise StoreError("a secret of the store")

        def release(self, mailbox: str) -> None:
            raise StoreError("a secret of the store")

    server = serve(FakeImap, {1: MAIL})
    door = Slamming(ledger, held=True)
    start(port=server.port, through=door, book=Blank(ledger))
    alarmed(ledger, "cannot be stored (StoreError)")
    door.held = False
    ledger.wait_for_rows(1)
    ledger.wait_until(lambda: server.moved == [1])


def test_a_port_where_nobody_listens_is_reported_and_asked_again(
    start: Start, ledger: Ledger, serve: Serve
) -> None:
    """The words of the report say what was tried."""
    server = serve(FakeImap)
    server.__exit__()
    start(port=server.port)
    alarmed(ledger, "connecting: Connection refused")


def test_something_that_is_no_imap_server_is_reported(
    serve: Serve, start: Start, ledger: Ledger
) -> None:
    """An SMTP banner, say, is named in the report and asked for nothing."""

    class Smtp(FakeImap):
        greeting = b"220 mx.example ESMTP\r\n"

    start(port=serve(Smtp).port)
    alarmed(ledger, "greeting")


class Oauth(FakeImap):
    """Lets in by one token only, and tells why not as the large providers do."""

    capabilities = "IMAP4rev1 MOVE SASL-IR AUTH=XOAUTH2"
    token = b"good-token"

    def on_authenticate(self, talk: Talk, tag: bytes, mechanism: bytes) -> None:
        assert mechanism == b"XOAUTH2"
        talk.send(b"+ \r\n")
        self.commands.append(talk.line())
        expected = b"user=support\x01auth=Bearer " + self.token + b"\x01\x01"
        if base64.b64decode(self.commands[-1]) == expected:
            self.ok(talk, tag)
            return
        talk.send(b"+ eyJzdGF0dXMiOiI0MDAifQ==\r\n")
        assert talk.line() == b""
        talk.send(tag + b" NO [AUTHENTICATIONFAILED] Invalid credentials\r\n")


def command(tmp_path: Path, body: str) -> tuple[str, ...]:
    """Return a token command that runs these lines of Python."""
    script = tmp_path / "token.py"
    script.write_text(f"import os, sys, time\n{body}\n")
    return (sys.executable, str(script))


def test_i20_a_token_from_a_command_lets_us_in(
    serve: Serve, start: Start, ledger: Ledger, tmp_path: Path
) -> None:
    """XOAUTH2 with what the command prints, without any shell."""
    server = serve(Oauth, {1: MAIL})
    start(port=server.port, token_command=command(tmp_path, "print('good-token')"))
    ledger.wait_for_rows(1)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("print('stale-token')", "login refused"),
        ("sys.exit('canary: invalid_grant')", "status 1"),
        ("print('two words')", "printed no token"),
        ("sys.exit(75)", "try again later"),
        ("time.sleep(60)", "did not end in time"),
        ("os.fork() or time.sleep(60)", "did not end in time"),
    ],
)
def test_i20_a_token_that_cannot_be_had_is_an_alarm_without_the_token(
    serve: Serve,
    start: Start,
    ledger: Ledger,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    body: str,
    words: str,
) -> None:
    """No spin, no output of the command in any log, no child left behind."""
    server = serve(Oauth, {1: MAIL})
    pace = replace(BRISK, token=0.5, login_retry=60, retry=5)
    watching = start(port=server.port, token_command=command(tmp_path, body), pace=pace)
    alarmed(ledger, words)
    watching.end()
    assert not ledger.rows
    said = "".join(capfd.readouterr()) + str(ledger.reports)
    assert "canary" not in said
    assert "stale-token" not in said


def test_i20_a_token_command_that_is_not_there_is_an_alarm(
    serve: Serve, start: Start, ledger: Ledger
) -> None:
    """The report names the setting."""
    start(port=serve(Oauth).port, token_command=("/nonexistent/token",))
    alarmed(ledger, "token_command cannot be run")
