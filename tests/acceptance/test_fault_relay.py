"""A relay that is away, says later, or goes silent at the last moment (F-17)."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import update

from chamado.daemon.store import schema
from chamado.daemon.store.engine import Store
from tests.support.crash import Feeder, check_acks, check_fates, letter_id, look
from tests.support.daemon import Daemon, wait_until, write_config
from tests.support.sink import RESET, Sink, free_port


def _states(url: str) -> "Counter[str]":
    return Counter(row["state"] for row in look(url).outbox)


def _let_time_pass(url: str) -> None:
    """Make what waits for a later attempt due, as an hour would."""
    store = Store(url)
    now = datetime.now(UTC) - timedelta(seconds=1)
    with store.write() as work:
        waiting = schema.outbox.c.next_attempt_at.is_not(None)
        work.execute(update(schema.outbox).where(waiting).values(next_attempt_at=now))
    store.close()


def test_f17_letters_wait_for_the_relay_and_mail_does_not(
    database_url: str, tmp_path: Path
) -> None:
    """What cannot be sent waits; cases are opened all the same; each letter once."""
    port, feeder = free_port(), Feeder()
    relay = f'kind = "smtp"\nhost = "127.0.0.1"\nport = {port}\ntls = "none"'
    config = write_config(tmp_path, database_url, relay=relay)
    # Without agents there are no letters but those to customers.
    text, agents, limits = config.read_text().partition("[[agent]]")
    config.write_text(text + limits[limits.index("[limits]") :])
    assert agents
    with Daemon(config) as daemon:
        for _ in range(6):
            assert feeder.feed(daemon)
        daemon.wait_for("letter_not_sent")
        wait_until(lambda: len(look(database_url).ticket) == 6)
        wait_until(lambda: "sending" not in _states(database_url))
        assert "sent" not in _states(database_url)
        script = {"RCPT": ["451 4.7.1 greylisted"], "DOT": [RESET]}
        with Sink(script, port=port) as sink:
            _let_time_pass(database_url)
            wait_until(lambda: _states(database_url)["sent"] == 4)
            assert _states(database_url) == {"sent": 4, "unknown": 1, "deferred": 1}
            _let_time_pass(database_url)
            wait_until(lambda: _states(database_url)["sent"] == 5)
            assert daemon.stop() == 0
            books = look(database_url, at_rest=True)
            check_fates(books, feeder.sent)
            check_acks(books, Counter(letter_id(one.content) for one in sink.letters))
            # The one in doubt did arrive, and was not sent again.
            assert len(sink.letters) == len(feeder.sent)
