"""kill -9 at every step of taking mail from a real Dovecot (F-02)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import strace
from tests.support.crash import (
    PATIENT,
    Ordeal,
    check_bytes,
    check_fates,
    digest,
    numbered,
)
from tests.support.daemon import Daemon, wait_until, write_config
from tests.support.dovecot import Dovecot, installed

pytestmark = pytest.mark.dovecot


@pytest.fixture
def dovecot() -> Iterator[Dovecot]:
    """A server with one mailbox."""
    if not installed():
        pytest.skip("Dovecot is not installed here; tests/servers.sh installs it")
    server = Dovecot()
    try:
        server.start()
        yield server
    finally:
        server.close()


@PATIENT
def test_f02_killed_at_every_step_of_imap(
    database_url: str, tmp_path: Path, dovecot: Dovecot
) -> None:
    """What was moved is stored; each mail becomes one ticket; the mailbox empties."""
    config = write_config(
        tmp_path, database_url, more=f"parsers = 1\n{dovecot.mailbox()}"
    )
    sent: dict[int, bytes] = {}

    def deliver() -> None:
        number = len(sent) + 1
        sent[number] = numbered(number)
        dovecot.deliver(sent[number])

    def resume(daemon: Daemon) -> None:
        wait_until(lambda: not dovecot.files())

    ordeal = Ordeal(
        url=database_url,
        start=lambda: Daemon(config, env=strace.NAMED),
        work=lambda daemon: (deliver(), deliver()),
        resume=resume,
        promised=lambda: {digest(content) for content in dovecot.contents("Processed")},
    )
    ordeal.run(["imap", "accept"], each=2)
    books = ordeal.finish()
    check_fates(books, sent)
    check_bytes(books, config)
    assert len(dovecot.files("Processed")) == len(sent)
    assert dovecot.contents("Processed") == set(sent.values())
    ordeal.admit()
