"""kill -9 at every step of sending a letter, with a relay that counts (F-03)."""

from collections import Counter
from pathlib import Path

from chamado.config.load import load
from chamado.daemon import actions, parts
from chamado.daemon.enclosed import Files
from tests.support import strace
from tests.support.crash import (
    PATIENT,
    Books,
    Feeder,
    Ordeal,
    check_acks,
    check_fates,
    letter_id,
)
from tests.support.daemon import Daemon, chamado, write_config
from tests.support.sink import Sink

AGENT = "bia@acme.example"


def _answer(config: Path, number: int, text: str) -> None:
    """Do what `chamado ticket reply` does, without a second for starting Python."""
    settings = load(config, {}).settings
    store = parts.open_store(settings)
    try:
        desk = parts.open_desk(settings, store)
        with store.write() as work:
            agent = actions.agent_of(desk, AGENT)
            now = desk.clock()
            actions.reply(work, desk, number, agent, text, Files(), now=now)
    finally:
        store.close()


def _check_letters(books: Books, sink: Sink) -> None:
    """Demand each answer at least once, always the same; each acknowledgement once."""
    kinds = {row["message_id"]: row["kind"] for row in books.outbox}
    acks: Counter[str] = Counter()
    answers: dict[str, set[bytes]] = {}
    for letter in sink.letters:
        id_ = letter_id(letter.content)
        if kinds[id_] == "ack":
            acks[id_] += 1
        elif kinds[id_] == "reply":
            answers.setdefault(id_, set()).add(letter.content)
    check_acks(books, acks)
    replies = [row for row in books.outbox if row["kind"] == "reply"]
    assert {row["state"] for row in replies} == {"sent"}
    assert answers.keys() == {row["message_id"] for row in replies}
    assert all(len(contents) == 1 for contents in answers.values())


@PATIENT
def test_f03_killed_at_every_step_of_sending(database_url: str, tmp_path: Path) -> None:
    """Acknowledgements leave at most once, answers at least once and unchanged."""
    feeder = Feeder()
    answers = 0

    def work(daemon: Daemon) -> None:
        nonlocal answers
        answers += 1
        _answer(config, 1, f"Resposta {answers}")
        feeder.feed(daemon)

    with Sink() as sink:
        relay = f'kind = "smtp"\nhost = "127.0.0.1"\nport = {sink.port}\ntls = "none"'
        config = write_config(tmp_path, database_url, relay=relay, more="parsers = 1")
        feeder.new()
        ordeal = Ordeal(
            url=database_url,
            start=lambda: Daemon(config, env=strace.NAMED),
            work=work,
            resume=feeder.again,
            promised=feeder.promised,
        )
        with ordeal.start() as daemon:
            feeder.again(daemon)
        ordeal.run(["deliver"], each=2)
        body = tmp_path / "answer"
        body.write_text("E esta vai pelo comando.")
        words = ("ticket", "reply", "1", "--agent", AGENT, "--body-file", str(body))
        chamado(config, *words)
        books = ordeal.finish()
        check_fates(books, feeder.sent)
        _check_letters(books, sink)
        replies = [row for row in books.outbox if row["kind"] == "reply"]
        assert len(replies) == answers + 1
    ordeal.admit()
