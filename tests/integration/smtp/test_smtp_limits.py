"""Sizes, caps and clocks: one client never takes the machine from the others."""

import contextlib
import time
from collections.abc import Callable

import pytest

from chamado.config.settings import Listener
from tests.support.smtp import OURS, Client, Serving, no_more, wait_for

Serve = Callable[..., Serving]
Connect = Callable[..., Client]

TIMED_OUT = "421 4.4.2 Waited too long, closing the connection"
BUSY = "421 4.3.2 Too busy at the moment, try again later"
TOO_BIG = "552 5.3.4 Message too big"


def _listener(**more: object) -> Listener:
    return Listener(listen="127.0.0.1:0", **{"connections_per_minute": 0, **more})


def test_s10_an_endless_line_is_swallowed_to_a_bound_and_cut(
    serve: Serve, connect: Connect
) -> None:
    """Without any CRLF the answer comes after twice the limit, and then the end."""
    client = connect(serve(message_bytes=50_000))
    client.begin()
    client.send(b"a" * 99_000)
    assert no_more(client.sock)
    client.send(b"a" * 99_000)
    client.sock.settimeout(20)
    assert client.reply() == TOO_BIG
    assert client.is_closed()


def test_s19_a_declared_size_beyond_the_limit_is_refused_at_mail(
    serve: Serve, connect: Connect
) -> None:
    """RFC 1870: who says how much it is learns at once that it is too much."""
    client = connect(serve(message_bytes=50_000))
    client.greet()
    answer = client.ask("MAIL FROM:<a@b.example> SIZE=99999999999")
    assert answer.startswith("552 5.3.4 ")
    assert client.ask("MAIL FROM:<a@b.example> SIZE=50000").startswith("250 ")


@pytest.mark.parametrize(
    ("octets", "reply"),
    [(49_999, "250 2.0.0 "), (50_000, "250 2.0.0 "), (50_001, TOO_BIG)],
)
def test_s20_f34_the_limit_is_exact(
    serve: Serve, connect: Connect, octets: int, reply: str
) -> None:
    """S-20, P-19: the limit itself is taken, one octet more refused after the dot."""
    serving = serve(message_bytes=50_000)
    client = connect(serving)
    content = b"x" * (octets - 2) + b"\r\n"
    assert client.mail(content).startswith(reply)
    assert [len(row.content) for row in serving.rows] == (
        [octets] if octets <= 50_000 else []
    )
    client.transaction()
    client.send(b"still here\r\n.\r\n")
    assert client.reply().startswith("250 ")


def test_f34_many_big_mails_at_once_share_a_bounded_memory(
    serve: Serve, connect: Connect
) -> None:
    """Where the memory for mail is used up there is a 452, and later a 250."""
    serving = serve(message_bytes=100_000)
    serving.door.held = True
    clients = [connect(serving) for _ in range(6)]
    for number, client in enumerate(clients):
        client.begin()
        client.send(b"%d" % number + b"x" * 99_000 + b"\r\n.\r\n")
    refused = next(client for client in clients[4:])
    assert refused.reply() == "452 4.3.1 No room at the moment, try again later"
    serving.door.let_go()
    replies = [client.reply()[:3] for client in clients if client is not refused]
    assert sorted(replies) == ["250"] * 4 + ["452"]
    refused.transaction()
    refused.send(b"x" * 99_000 + b"\r\n.\r\n")
    assert refused.reply().startswith("250 ")


def test_s15_idle_connections_of_one_address_leave_room_for_others(
    serve: Serve, connect: Connect
) -> None:
    """Beyond five of one address 421; another address is served at once."""
    serving = serve(_listener(trusted_networks=(), max_connections=50))
    banners = [connect(serving).reply() for _ in range(300)]
    assert banners.count(BUSY) == 295
    began = time.monotonic()
    other = connect(serving, source="127.0.0.2")
    assert other.mail(b"x\r\n").startswith("250 ")
    assert time.monotonic() - began < 2


def test_s15_the_cap_on_all_connections_holds_for_the_trusted_too(
    serve: Serve, connect: Connect
) -> None:
    """A place that becomes free can be taken again."""
    serving = serve(_listener(max_connections=3))
    clients = [connect(serving) for _ in range(4)]
    assert [client.reply()[:3] for client in clients] == ["220"] * 3 + ["421"]
    assert clients[3].is_closed()
    clients[0].ask("QUIT")
    assert clients[0].is_closed()
    wait_for(lambda: connect(serving).reply().startswith("220 "))


def test_new_connections_a_minute_are_bounded_for_strangers(
    serve: Serve, connect: Connect
) -> None:
    """A stranger that comes again and again is asked to wait; others are not."""
    serving = serve(_listener(trusted_networks=(), connections_per_minute=3))
    for _ in range(3):
        client = connect(serving)
        client.greet()
        client.ask("QUIT")
        assert client.is_closed()
    assert connect(serving).reply() == BUSY
    assert connect(serving, source="127.0.0.2").reply().startswith("220 ")


def test_a_trusted_network_has_no_limits_for_one_address(
    serve: Serve, connect: Connect
) -> None:
    """The relay in front of us may open as many connections as there are."""
    serving = serve(_listener(max_connections=20, connections_per_minute=1))
    assert {connect(serving).reply()[:3] for _ in range(20)} == {"220"}


def test_s17_noop_does_not_hold_a_place(serve: Serve, connect: Connect) -> None:
    """The whole session has its time, whatever is said in it."""
    serving = serve(_listener(session_timeout=1, idle_timeout=5))
    client = connect(serving)
    client.greet()
    began = time.monotonic()
    answer = "250 "
    while answer.startswith("250 "):
        client.sock.settimeout(0.1)
        try:
            answer = client.reply()
        except TimeoutError:
            client.send(b"NOOP\r\n")
            answer = client.reply()
    assert answer == TIMED_OUT
    assert 0.5 < time.monotonic() - began < 4


def test_an_idle_client_is_sent_away(serve: Serve, connect: Connect) -> None:
    """Nobody to say anything is nobody to wait for."""
    client = connect(serve(_listener(idle_timeout=0.3)))
    client.greet()
    assert client.reply() == TIMED_OUT
    assert client.is_closed()


def test_a_client_that_never_greets_is_sent_away(
    serve: Serve, connect: Connect
) -> None:
    """The first command has a time limit as well."""
    client = connect(serve(_listener(idle_timeout=0.3)))
    assert client.reply().startswith("220 ")
    assert client.reply() == TIMED_OUT


def test_f33_a_mail_that_drips_is_cut(serve: Serve, connect: Connect) -> None:
    """Fewer bytes a second than the minimum are too few, however steady."""
    serving = serve(_listener(idle_timeout=0.5, bytes_per_second=1000))
    client = connect(serving)
    client.begin()
    client.sock.settimeout(0.05)
    began, answer = time.monotonic(), None
    while answer is None and time.monotonic() - began < 10:
        client.send(b"x")
        try:
            answer = client.reply()
        except TimeoutError:
            continue
        except ConnectionError:
            answer = TIMED_OUT
    assert answer == TIMED_OUT
    assert serving.rows == []


def test_a_slow_but_honest_mail_is_taken(serve: Serve, connect: Connect) -> None:
    """A mail may take longer than an idle client may wait."""
    serving = serve(_listener(idle_timeout=0.5, bytes_per_second=1000))
    client = connect(serving)
    client.begin()
    began = time.monotonic()
    while time.monotonic() - began < 1.5:
        client.send(b"x" * 998 + b"\r\n")
        client.sock.settimeout(0.05)
        with pytest.raises(TimeoutError):
            client.reply()
    client.sock.settimeout(20)
    client.send(b".\r\n")
    assert client.reply().startswith("250 ")


def test_a_whole_mail_has_its_time(serve: Serve, connect: Connect) -> None:
    """Even a steady stream ends some day."""
    serving = serve(_listener(data_timeout=0.5))
    client = connect(serving)
    client.begin()
    client.sock.settimeout(0.01)
    answer, began = None, time.monotonic()
    while answer is None and time.monotonic() - began < 10:
        client.send(b"x" * 998 + b"\r\n")
        with contextlib.suppress(TimeoutError):
            answer = client.reply()
    assert answer == TIMED_OUT
    assert serving.rows == []


def test_a_slow_commit_is_no_idle_client(serve: Serve, connect: Connect) -> None:
    """No clock of the client's runs while we are the ones who are slow."""
    serving = serve(_listener(idle_timeout=0.2, data_timeout=0.4, session_timeout=0.6))
    serving.door.held = True
    client = connect(serving)
    client.begin()
    client.send(b"x\r\n.\r\n")
    client.sock.settimeout(1.5)
    with pytest.raises(TimeoutError):
        client.reply()
    serving.door.let_go()
    client.sock.settimeout(20)
    assert client.reply().startswith("250 ")


def test_junk_ends_the_conversation(serve: Serve, connect: Connect) -> None:
    """After twenty errors it is no mail program that speaks."""
    client = connect(serve())
    client.greet()
    client.send(b"GET / HTTP/1.1\r\n" * 30)
    answers = [client.reply() for _ in range(22)]
    assert answers[20] == "500 5.5.1 Command not recognised"
    assert answers[21] == "421 4.7.0 Too many errors, closing the connection"
    assert client.is_closed()


def test_chatter_ends_the_conversation(serve: Serve, connect: Connect) -> None:
    """A hundred commands that do nothing are enough."""
    client = connect(serve())
    client.greet()
    client.send(b"NOOP\r\n" * 150)
    answers = [client.reply() for _ in range(101)]
    assert answers[100] == "421 4.7.0 Too many commands, closing the connection"
    assert client.is_closed()


def test_guessing_recipients_is_junk_for_strangers_only(
    serve: Serve, connect: Connect
) -> None:
    """A relay we trust may bring a mail for many whom we do not know."""
    serving = serve(_listener(trusted_networks=()), Listener(listen="127.0.0.1:0"))
    for listener, last in enumerate(["421 4.7.0 ", "250 2.1.5 "]):
        client = connect(serving, listener)
        client.greet()
        client.ask("MAIL FROM:<a@b.example>")
        client.send(b"RCPT TO:<nobody@acme.example>\r\n" * 21)
        for _ in range(21):
            assert client.reply().startswith("550 5.1.1 ")
        client.send(b"RCPT TO:<%s>\r\n" % OURS.encode())
        assert client.reply().startswith(last)


def test_a_client_that_reads_no_replies_is_cut(serve: Serve, connect: Connect) -> None:
    """Replies do not pile up for somebody who only talks."""
    serving = serve(_listener(idle_timeout=0.5, max_connections=1))
    client = connect(serving)
    client.greet()
    client.ask("MAIL FROM:<a@b.example>")
    with pytest.raises(ConnectionError):
        client.send(b"RCPT TO:<nobody@acme.example>\r\n" * 1_000_000)
    wait_for(lambda: connect(serving).reply().startswith("220 "))


def test_s28_a_mail_with_a_hundred_hops_is_refused(
    serve: Serve, connect: Connect
) -> None:
    """RFC 5321 §6.3: a hundred Received headers are a loop, ninety-nine are not."""
    serving = serve()
    hop = b"Received: from a by b; Mon, 1 Jan 2026 00:00:00 +0000\r\n"
    client = connect(serving)
    answer = client.mail(hop * 99 + b"RECEIVED: x\r\n\r\nbody\r\n")
    assert answer == "554 5.4.6 Too many hops, this mail is going in circles"
    client.transaction()
    client.send(hop * 99 + b"\r\n" + hop * 50 + b".\r\n")
    assert client.reply().startswith("250 ")
    assert len(serving.rows) == 1


def test_a_garbage_flood_harms_nobody(serve: Serve, connect: Connect) -> None:
    """F-33: bytes that are no SMTP are refused, and the next client is served."""
    serving = serve()
    client = connect(serving)
    client.greet()
    with contextlib.suppress(ConnectionError):
        client.send(bytes(range(256)) * 40_000)
    while client.reply():
        pass
    assert connect(serving).mail(b"x\r\n").startswith("250 ")
