"""250 is said after the commit, and nothing that goes wrong loses or doubles a mail."""

import hashlib
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta

import pytest

from chamado.config.settings import Listener
from chamado.daemon.digest import day_apart
from chamado.daemon.sources.smtp_mail import source_key
from chamado.daemon.sources.source import Accepted, RawMessage
from tests.support.doors import Ledger, MemoryDoor
from tests.support.smtp import OURS, Client, Serving, no_more, wait_for

Serve = Callable[..., Serving]
Connect = Callable[..., Client]

pytestmark = pytest.mark.usefixtures("any_loop")

CONTENT = b"Subject: ajuda\r\n\r\nolha\r\n"
TRY_LATER = "451 4.3.0 Temporary failure, try again later"


class RaisingDoor(MemoryDoor):
    """A door that fails before there is a future."""

    def accept(self, raw: RawMessage) -> "Future[Accepted]":
        raise RuntimeError("dsn=postgres://secret")


class CancellingDoor(MemoryDoor):
    """A door that is closed while a commit waits."""

    def accept(self, raw: RawMessage) -> "Future[Accepted]":
        future: Future[Accepted] = Future()
        future.cancel()
        return future


def test_a_mail_arrives_with_all_that_is_known_of_it(
    serve: Serve, connect: Connect
) -> None:
    """Content to the byte, envelope, peer, time, source and source key."""
    serving = serve()
    before = datetime.now(UTC)
    assert connect(serving).mail(CONTENT).startswith("250 2.0.0 Accepted as ")
    (raw,) = serving.rows
    assert raw.content == CONTENT
    assert raw.envelope.mail_from == "ana@cliente.example"
    assert raw.envelope.rcpt_tos == (OURS,)
    assert raw.envelope.peer == "127.0.0.1"
    assert before <= raw.envelope.received_at <= before + timedelta(seconds=20)
    assert raw.source == "smtp:127.0.0.1:0"
    digest = hashlib.sha256(CONTENT).hexdigest()
    sender = raw.envelope.mail_from or ""
    day = day_apart(CONTENT, raw.envelope.received_at)
    assert raw.source_key == source_key(digest, [OURS], sender, day)
    assert raw.source_key.startswith(f"smtp:{digest}:")


def test_the_source_key_knows_neither_order_nor_case() -> None:
    """The same bytes for the same people are the same delivery."""
    one = source_key("d", ["b@x", "A@x", "b@x"])
    assert one == source_key("d", ["a@x", "B@X"])
    assert one != source_key("d", ["a@x"])
    assert one != source_key("d", ["a@x", "B@X"], "other@x")
    assert one != source_key("d", ["a@x", "B@X"], day="2026-11-25")


def test_250_waits_for_the_commit(serve: Serve, connect: Connect) -> None:
    """As long as the future has no result there is no reply."""
    serving = serve()
    serving.door.held = True
    client = connect(serving)
    client.begin()
    client.send(CONTENT + b".\r\n")
    serving.door.ledger.wait_until(lambda: bool(serving.door.waiting))
    assert no_more(client.sock)
    client.sock.settimeout(20)
    serving.door.let_go()
    assert client.reply().startswith("250 2.0.0 ")


def test_s11_a_failed_commit_is_451_and_says_nothing(
    serve: Serve, connect: Connect, logged: list[dict[str, object]]
) -> None:
    """The reply to a failure is constant, and the connection is good for more."""
    serving = serve()
    serving.door.refuse = lambda _: True
    client = connect(serving)
    assert client.mail(CONTENT) == TRY_LATER
    serving.door.refuse = lambda _: False
    client.transaction()
    client.send(CONTENT + b".\r\n")
    assert client.reply().startswith("250 ")
    (failed,) = [entry for entry in logged if entry["event"] == "smtp.commit_failed"]
    assert failed["error"] == "StoreError"
    assert "secret" not in str(logged)


@pytest.mark.parametrize("door", [RaisingDoor, CancellingDoor])
def test_s11_a_door_that_breaks_is_451(
    serve: Serve,
    connect: Connect,
    door: type[MemoryDoor],
    logged: list[dict[str, object]],
) -> None:
    """Whatever way the door fails, the sender keeps the mail."""
    serving = serve(door=door(Ledger()))
    client = connect(serving)
    assert client.mail(CONTENT) == TRY_LATER
    assert client.ask("NOOP").startswith("250 ")
    assert "secret" not in str(logged)


def test_s11_an_exception_in_a_command_is_451(serve: Serve, connect: Connect) -> None:
    """A broken look-up of recipients is our trouble and temporary."""

    def broken(address: str) -> bool:
        raise RuntimeError(f"dsn=postgres://secret {address}")

    client = connect(serve(knows=broken))
    client.greet()
    client.ask("MAIL FROM:<a@b.example>")
    assert client.ask(f"RCPT TO:<{OURS}>") == TRY_LATER
    assert client.ask("DATA").startswith("503 ")


def test_a_commit_that_takes_too_long_is_451(serve: Serve, connect: Connect) -> None:
    """The client comes again; what is stored in the end is one row all the same."""
    serving = serve(commit_seconds=0.2)
    serving.door.held = True
    client = connect(serving)
    assert client.mail(CONTENT) == TRY_LATER
    serving.door.let_go()
    serving.door.ledger.wait_for_rows(1)
    client.transaction()
    client.send(CONTENT + b".\r\n")
    assert client.reply().startswith("250 ")
    assert len(serving.rows) == 1


def test_s13_a_reset_after_the_dot_and_a_resend_are_one_mail(
    serve: Serve, connect: Connect
) -> None:
    """The commit outlives its client, and the second delivery is the same row."""
    serving = serve()
    serving.door.held = True
    client = connect(serving)
    client.begin()
    client.send(CONTENT + b".\r\n")
    serving.door.ledger.wait_until(lambda: bool(serving.door.waiting))
    client.reset()
    serving.door.let_go()
    serving.door.ledger.wait_for_rows(1)
    assert connect(serving).mail(CONTENT).startswith("250 ")
    assert len(serving.rows) == 1
    assert len(serving.door.offered) == 2


def test_half_a_close_after_a_pipelined_quit_cancels_nothing(
    serve: Serve, connect: Connect
) -> None:
    """A client that says all it has and closes its half gets all its replies."""
    serving = serve()
    serving.door.held = True
    client = connect(serving)
    client.begin()
    client.send(CONTENT + b".\r\nQUIT\r\n")
    client.end_input()
    serving.door.ledger.wait_until(lambda: bool(serving.door.waiting))
    serving.door.let_go()
    assert client.reply().startswith("250 2.0.0 ")
    assert client.reply() == "221 2.0.0 Bye"
    assert client.is_closed()
    assert len(serving.rows) == 1


def test_an_unfinished_mail_is_not_stored(serve: Serve, connect: Connect) -> None:
    """What was cut off before the dot was never ours."""
    serving = serve(Listener(listen="127.0.0.1:0", max_connections=1))
    client = connect(serving)
    client.begin()
    client.send(CONTENT)
    client.end_input()
    assert client.is_closed()
    assert serving.door.offered == []


def test_s21_an_unwell_door_is_452_at_mail_and_recovers(
    serve: Serve, connect: Connect
) -> None:
    """A full disk stops mail before it is sent, and needs no restart to go on."""
    serving = serve()
    serving.door.reason = "the disk is full"
    client = connect(serving)
    client.greet()
    refused = client.ask("MAIL FROM:<a@b.example>")
    assert refused == "452 4.3.1 No room at the moment, try again later"
    serving.door.reason = None
    wait_for(lambda: client.ask("MAIL FROM:<a@b.example>").startswith("250 "))
    assert client.ask(f"RCPT TO:<{OURS}>").startswith("250 ")


def test_the_same_mail_in_twenty_sessions_is_one_row(
    serve: Serve, connect: Connect
) -> None:
    """F-18: duplicates at the same moment share a key, and each sender gets its 250."""
    serving = serve()
    clients = [connect(serving) for _ in range(20)]
    for client in clients:
        client.begin()
    for client in clients:
        client.send(CONTENT + b".\r\n")
    assert {client.reply()[:9] for client in clients} == {"250 2.0.0"}
    assert len(serving.rows) == 1


def test_what_is_logged_of_a_mail(
    serve: Serve, connect: Connect, logged: list[dict[str, object]]
) -> None:
    """One line with facts: no body, no subject, no address."""
    assert connect(serve()).mail(CONTENT).startswith("250 ")
    (entry,) = [entry for entry in logged if entry["event"] == "smtp.accepted"]
    assert entry == {
        "event": "smtp.accepted",
        "log_level": "info",
        "source": "smtp:127.0.0.1:0",
        "peer": "127.0.0.1",
        "inbox_id": 1,
        "fresh": True,
        "size": len(CONTENT),
        "recipients": 1,
        "digest": hashlib.sha256(CONTENT).hexdigest()[:12],
    }
    assert "ajuda" not in str(logged)
    assert "@" not in str(logged)


def test_aiosmtpd_writes_no_bodies(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """Its logger, which writes every line at DEBUG, says nothing of a mail."""
    caplog.set_level("DEBUG")
    assert connect(serve()).mail(CONTENT).startswith("250 ")
    assert "mail.log" not in {record.name for record in caplog.records}
