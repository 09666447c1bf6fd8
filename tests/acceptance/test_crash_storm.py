"""Killed again and again under load, which must not cost a mail or its innocence."""

import contextlib
import random
import smtplib
import subprocess
import threading
from pathlib import Path

from tests.support.crash import (
    EXHAUSTIVE,
    PATIENT,
    Feeder,
    check_acks,
    check_bytes,
    check_fates,
    customer,
    letters_in,
    look,
)
from tests.support.daemon import SUPPORT, Daemon, wait_until, write_config

KILLS = 150 if EXHAUSTIVE else 10
SENDERS = 3


def _send(socket: Path, feeder: Feeder, number: int) -> None:
    """Send by LMTP, whose place stays the same however often the daemon comes anew."""
    with (
        contextlib.suppress(OSError, smtplib.SMTPException),
        smtplib.LMTP(str(socket), timeout=30) as client,
    ):
        client.sendmail(customer(number), [SUPPORT], feeder.sent[number])
        feeder.acked.add(number)


def _keep_sending(socket: Path, feeder: Feeder, over: threading.Event) -> None:
    while not over.is_set():
        if len(feeder.sent) - len(feeder.acked) < 50:
            _send(socket, feeder, feeder.new())
        else:
            over.wait(0.05)
        for number in list(feeder.sent.keys() - feeder.acked)[:5]:
            _send(socket, feeder, number)


def _done(url: str) -> int:
    return sum(row["state"] == "done" for row in look(url).inbox)


@PATIENT
def test_f23_killed_every_second_under_load(database_url: str, tmp_path: Path) -> None:
    """F-23: work goes on, nothing is lost or doubled, and no mail is suspected."""
    config = write_config(tmp_path, database_url, more="parsers = 1")
    feeder, over = Feeder(), threading.Event()
    rng = random.Random(23)
    work = (tmp_path / "lmtp", feeder, over)
    senders = [
        threading.Thread(target=_keep_sending, args=work) for _ in range(SENDERS)
    ]
    for sender in senders:
        sender.start()
    try:
        for kills in range(KILLS):
            with Daemon(config) as daemon:
                if kills % 2:
                    # Every second life lasts until it has got something done.
                    before = _done(database_url)
                    wait_until(lambda n=before: _done(database_url) > n)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    daemon.process.wait(rng.uniform(0, 1.5))
                daemon.kill()
    finally:
        over.set()
        for sender in senders:
            sender.join()
    done = _done(database_url)
    with Daemon(config) as daemon:
        feeder.again(daemon)
        wait_until(lambda: look(database_url).idle(), 120)
        assert daemon.stop() == 0
    books = look(database_url, at_rest=True)
    check_fates(books, feeder.sent)
    check_bytes(books, config)
    check_acks(books, letters_in(tmp_path / "data"))
    print(f"{KILLS} kills, {len(feeder.sent)} mails, {done} done when it ended")  # noqa: T201
