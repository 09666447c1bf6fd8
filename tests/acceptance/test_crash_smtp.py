"""kill -9 at every step between a mail at the door and its acknowledgement (F-01)."""

from pathlib import Path

from tests.support import strace
from tests.support.crash import (
    PATIENT,
    Feeder,
    Ordeal,
    check_acks,
    check_bytes,
    check_fates,
    letters_in,
)
from tests.support.daemon import Daemon, write_config

THREADS = ("accept", "blob", "smtp", "understand", "process", "deliver")


@PATIENT
def test_f01_killed_at_every_step_of_smtp(database_url: str, tmp_path: Path) -> None:
    """What got 250 is stored; each mail becomes one ticket with at most one letter."""
    config = write_config(tmp_path, database_url, more="parsers = 1")
    feeder = Feeder()
    feeder.new(), feeder.new()

    def resume(daemon: Daemon) -> None:
        feeder.again(daemon)
        # The thread that writes blobs is born with the first large mail; this one is
        # known, so it leaves no other trace.
        assert feeder.offer(daemon, 2)

    ordeal = Ordeal(
        url=database_url,
        start=lambda: Daemon(config, env=strace.NAMED),
        work=lambda daemon: [feeder.feed(daemon) for _ in range(3)],
        resume=resume,
        promised=feeder.promised,
    )
    ordeal.run(THREADS)
    books = ordeal.finish()
    check_fates(books, feeder.sent)
    check_bytes(books, config)
    check_acks(books, letters_in(tmp_path / "data"))
    ordeal.admit()
