"""The end that is asked for, and the one a service manager has to bring about."""

import smtplib
import time
from pathlib import Path

import pytest

from tests.support import strace
from tests.support.crash import (
    PATIENT,
    Feeder,
    check_acks,
    check_bytes,
    check_fates,
    customer,
    feeding,
    letters_in,
    look,
)
from tests.support.daemon import SUPPORT, Daemon, wait_until, write_config
from tests.support.notify import Manager

#: A stop takes as long as what was begun; nothing that was begun here takes long.
A_FEW_SECONDS = 15.0


@PATIENT
def test_f24_sigterm_under_load(database_url: str, tmp_path: Path) -> None:
    """F-24: it ends with 0 within seconds; what got 250 is there and is filed later."""
    config = write_config(tmp_path, database_url)
    feeder = Feeder()
    with Daemon(config) as daemon, feeding(daemon, feeder, senders=4):
        wait_until(lambda: len(feeder.acked) > 20)
        began = time.monotonic()
        assert daemon.stop() == 0
        assert time.monotonic() - began < A_FEW_SECONDS
    assert feeder.promised() <= look(database_url, at_rest=True).stored()
    with Daemon(config) as daemon:
        feeder.again(daemon)
        wait_until(lambda: look(database_url).idle())
        assert daemon.stop() == 0
    books = look(database_url, at_rest=True)
    check_fates(books, feeder.sent)
    check_bytes(books, config)
    check_acks(books, letters_in(tmp_path / "data"))
    assert not any(row["state"] == "unknown" for row in books.outbox)


def test_f24_sigterm_in_the_midst_of_a_mail(database_url: str, tmp_path: Path) -> None:
    """F-24: the mail that has begun is taken, a client that idles is sent away."""
    config = write_config(tmp_path, database_url)
    feeder = Feeder()
    content = feeder.sent[feeder.new()]
    with Daemon(config) as daemon:
        idle = smtplib.SMTP("127.0.0.1", daemon.smtp_port, timeout=30)
        busy = smtplib.SMTP("127.0.0.1", daemon.smtp_port, timeout=30)
        busy.ehlo()
        assert busy.mail(customer(1))[0] == 250
        assert busy.rcpt(SUPPORT)[0] == 250
        assert busy.docmd("DATA")[0] == 354
        busy.send(content[:100])
        daemon.process.terminate()
        assert idle.getreply()[0] == 421
        busy.send(content[100:] + b".\r\n")
        assert busy.getreply()[0] == 250
        feeder.acked.add(1)
        assert daemon.process.wait(A_FEW_SECONDS) == 0
        for client in (idle, busy):
            client.close()
    assert feeder.promised() <= look(database_url, at_rest=True).stored()


@PATIENT
def test_f37_the_watchdog_is_fed_only_while_the_work_moves(tmp_path: Path) -> None:
    """F-37: a loop that hangs shows by silence, and the end is announced."""
    if why := strace.why_not():
        pytest.skip(f"nothing can be made to hang here: {why}")
    config = write_config(tmp_path, f"sqlite:///{tmp_path}/chamado.db")
    with Manager(watchdog_seconds=3) as manager:
        env = {**strace.NAMED, **manager.env}
        with Daemon(config, env=env) as daemon:
            assert manager.hears("READY=1", 30)
            assert manager.hears("WATCHDOG=1", 10)
            assert manager.hears("WATCHDOG=1", 10)
            hang = "delay_enter=100s"
            with strace.tampering(daemon.process.pid, "smtp", "epoll_pwait", hang):
                daemon.wait_for("jobs_silent jobs=smtp")
                manager.forget()
                assert not manager.hears("WATCHDOG=1", 3)
            assert manager.hears("WATCHDOG=1", 20)
            assert daemon.stop() == 0
            assert manager.hears("STOPPING=1", 1)
