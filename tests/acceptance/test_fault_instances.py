"""Two daemons at one database: sharing the work, or sharing out the jobs (F-21)."""

import threading
from pathlib import Path

import pytest

from tests.support.crash import (
    PATIENT,
    Books,
    Feeder,
    check_acks,
    check_bytes,
    check_fates,
    letters_in,
    look,
    numbered,
)
from tests.support.daemon import Daemon, wait_until, write_config
from tests.support.dovecot import Dovecot, installed

MAILS = 30


def _second(folder: Path, first: Path) -> Path:
    """Write the configuration of another daemon: the same, but for its own socket."""
    place = folder / "second"
    place.mkdir()
    config = place / "chamado.toml"
    text = first.read_text()
    config.write_text(text.replace(f"unix:{folder}/lmtp", f"unix:{place}/lmtp"))
    return config


def _check(books: Books, sent: dict[int, bytes], config: Path) -> None:
    check_fates(books, sent)
    check_bytes(books, config)
    check_acks(books, letters_in(config.parent / "data"))


@PATIENT
def test_f21_the_same_mail_at_both_doors(database_url: str, tmp_path: Path) -> None:
    """Every mail goes to both at once, as two MX would do it; each is one case."""
    config = write_config(tmp_path, database_url)
    feeder = Feeder()
    with Daemon(config) as first, Daemon(_second(tmp_path, config)) as second:

        def send(daemon: Daemon, numbers: list[int]) -> None:
            for number in numbers:
                assert feeder.offer(daemon, number)

        numbers = [feeder.new() for _ in range(MAILS)]
        senders = [
            threading.Thread(target=send, args=(daemon, numbers[half::2]))
            for daemon in (first, second)
            for half in (0, 1)
        ]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        assert feeder.acked == feeder.sent.keys()
        wait_until(lambda: look(database_url).idle())
        assert (first.stop(), second.stop()) == (0, 0)
    _check(look(database_url, at_rest=True), feeder.sent, config)


@PATIENT
@pytest.mark.dovecot
def test_f21_one_mailbox_and_the_daemon_that_reads_it_dies(
    database_url: str, tmp_path: Path
) -> None:
    """I-19: each mail once, and the other one takes the mailbox over within seconds."""
    if not installed():
        pytest.skip("Dovecot is not installed here; tests/servers.sh installs it")
    server = Dovecot()
    sent: dict[int, bytes] = {}

    def deliver(count: int) -> None:
        for number in range(len(sent) + 1, len(sent) + 1 + count):
            sent[number] = numbered(number)
            server.deliver(sent[number])

    try:
        server.start()
        config = write_config(tmp_path, database_url, more=server.mailbox())
        deliver(MAILS)
        with Daemon(config) as first, Daemon(_second(tmp_path, config)) as second:
            deliver(MAILS)
            wait_until(lambda: len(look(database_url).inbox) > MAILS)
            first.kill()
            deliver(5)
            wait_until(lambda: not server.files())
            wait_until(lambda: look(database_url).idle())
            assert second.stop() == 0
        assert len(server.files("Processed")) == len(sent)
    finally:
        server.close()
    books = look(database_url, at_rest=True)
    check_fates(books, sent)
    check_bytes(books, config)


@PATIENT
def test_one_daemon_takes_mail_and_another_one_files_it(
    database_url: str, tmp_path: Path
) -> None:
    """`--only smtp` here and `--only process,deliver` there share a database."""
    config = write_config(tmp_path, database_url)
    other = _second(tmp_path, config)
    feeder = Feeder()
    with Daemon(config, "--only", "smtp") as door:
        assert feeder.feed(door)
        assert feeder.feed(door)
        with Daemon(other, "--only", "process,deliver") as desk:
            assert feeder.feed(door)
            wait_until(lambda: look(database_url).idle())
            assert door.stop() == 0
            assert desk.stop() == 0
    _check(look(database_url, at_rest=True), feeder.sent, config)
