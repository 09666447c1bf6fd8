"""Beginning, ending, and the sockets in between."""

import socket
import threading
import time
from collections.abc import Callable

import pytest

from chamado.config.settings import Listener
from chamado.daemon.sources.sockets import ListenError
from tests.support.smtp import OURS, Client, Serving, wait_for

Serve = Callable[..., Serving]
Connect = Callable[..., Client]

pytestmark = pytest.mark.usefixtures("any_loop")

CLOSING = "421 4.3.2 Service is closing down, try again later"


def test_an_idle_source_stops_within_a_second(serve: Serve) -> None:
    """Nothing to finish is nothing to wait for."""
    serving = serve()
    began = time.monotonic()
    serving.stop.set()
    serving.finish()
    assert time.monotonic() - began < 1
    assert not serving.source.listening.is_set()


def test_f24_idle_clients_get_421_at_a_stop(serve: Serve, connect: Connect) -> None:
    """Who waits between commands is sent away, new clients find nobody."""
    serving = serve()
    clients = [connect(serving) for _ in range(3)]
    for client in clients:
        client.greet()
    serving.stop.set()
    assert [client.reply() for client in clients] == [CLOSING] * 3
    serving.finish()
    with pytest.raises(ConnectionRefusedError):
        connect(serving)


def test_f24_a_mail_on_its_way_is_finished(serve: Serve, connect: Connect) -> None:
    """In the midst of DATA the rest may come, is stored, answered, and then 421."""
    serving = serve()
    client = connect(serving)
    client.begin()
    client.send(b"first half\r\n")
    serving.stop.set()
    wait_for(lambda: not serving.source.listening.is_set())
    client.send(b"second half\r\n.\r\n")
    assert client.reply().startswith("250 2.0.0 ")
    assert client.reply() == CLOSING
    assert client.is_closed()
    serving.finish()
    assert serving.rows[0].content == b"first half\r\nsecond half\r\n"


def test_f24_a_running_commit_is_awaited(serve: Serve, connect: Connect) -> None:
    """A stop during the commit waits for it, and the client hears of it."""
    serving = serve()
    serving.door.held = True
    client = connect(serving)
    client.begin()
    client.send(b"x\r\n.\r\nMAIL FROM:<a@b.example>\r\n")
    serving.door.ledger.wait_until(lambda: bool(serving.door.waiting))
    serving.stop.set()
    wait_for(lambda: not serving.source.listening.is_set())
    serving.door.let_go()
    assert client.reply().startswith("250 2.0.0 ")
    assert client.reply() == CLOSING
    serving.finish()


def test_f24_the_grace_time_ends(serve: Serve, connect: Connect) -> None:
    """A mail that never ends does not keep the service from stopping."""
    serving = serve(grace_seconds=0.3)
    client = connect(serving)
    client.begin()
    began = time.monotonic()
    serving.stop.set()
    serving.finish()
    assert time.monotonic() - began < 3
    assert client.is_closed()


def test_the_watchdog_is_fed_also_while_stopping(
    serve: Serve, connect: Connect
) -> None:
    """A beat is a turn of the loop, with or without clients."""
    serving = serve()
    wait_for(lambda: serving.beats > 2)
    connect(serving).begin()
    serving.stop.set()
    wait_for(lambda: not serving.source.listening.is_set())
    beats = serving.beats
    wait_for(lambda: serving.beats > beats + 2)


def test_one_source_serves_all_listeners(serve: Serve, connect: Connect) -> None:
    """Each mail says by which listener it came, port 0 or not."""
    serving = serve(
        Listener(listen="127.0.0.1:0"),
        Listener(protocol="lmtp", listen="127.0.0.1:0"),
    )
    assert [bound.source for bound in serving.source.bound] == [
        "smtp:127.0.0.1:0",
        "lmtp:127.0.0.1:0",
    ]
    connect(serving, 0).mail(b"a\r\n")
    connect(serving, 1).mail(b"b\r\n", verb="LHLO")
    assert [row.source[:4] for row in serving.rows] == ["smtp", "lmtp"]


def test_an_inherited_socket_is_served(serve: Serve, connect: Connect) -> None:
    """fd:NAME is the socket of that name, and stays open for a successor."""
    with socket.create_server(("127.0.0.1", 0)) as given:
        serving = serve(Listener(listen="fd:smtp"), inherited={"smtp": given})
        assert connect(serving).mail(b"x\r\n").startswith("250 ")
        assert serving.rows[0].source == "smtp:fd:smtp"
        serving.close()
        with socket.create_connection(given.getsockname(), 5):
            pass


def test_an_inherited_unix_socket_is_served(
    serve: Serve, connect: Connect, tmp_path: object
) -> None:
    """A Unix socket of systemd works like our own, and its path is systemd's."""
    path = f"{tmp_path}/lmtp.sock"
    with socket.socket(socket.AF_UNIX) as given:
        given.bind(path)
        listener = Listener(protocol="lmtp", listen="fd:lmtp")
        serving = serve(listener, inherited={"lmtp": given})
        assert connect(serving).mail(b"x\r\n", verb="LHLO").startswith("250 ")
        serving.close()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)


def test_a_source_can_run_again(serve: Serve, connect: Connect) -> None:
    """The supervisor may start a source that ended once more."""
    serving = serve()
    serving.close()
    stop = threading.Event()
    again = threading.Thread(
        target=serving.source.run, args=(serving.door, stop, lambda: None)
    )
    again.start()
    try:
        assert serving.source.listening.wait(20)
        assert connect(serving).mail(b"x\r\n").startswith("250 ")
    finally:
        stop.set()
        again.join(20)
    assert not again.is_alive()


def test_a_taken_port_is_said_before_anything_runs(serve: Serve) -> None:
    """open() names the listening point that cannot be had, and leaves none open."""
    first = serve()
    with pytest.raises(ListenError, match="Address already in use"):
        serve(Listener(listen="127.0.0.1:0"), Listener(listen=first.address()))


def test_ipv6_is_served(serve: Serve, connect: Connect) -> None:
    """The loopback address of IPv6 is like the other."""
    serving = serve(Listener(listen="[::1]:0"))
    client = connect(serving)
    assert client.mail(b"x\r\n").startswith("250 ")
    assert serving.rows[0].envelope.peer == "::1"
    assert OURS in serving.rows[0].envelope.rcpt_tos
