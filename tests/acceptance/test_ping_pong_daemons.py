"""Two running desks that answer each other, with nothing in the headers to tell them.

What is shipped limits the answers here, and the time of both is moved, so that only
what stops a loop stops this one.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support import moving_time
from tests.support.careless_gateway import Desk, Gateway
from tests.support.daemon import (
    SUPPORT,
    Daemon,
    by_smtp,
    chamado,
    chamado_json,
    write_config,
)
from tests.support.house import message
from tests.support.moving_time import MovingTime
from tests.support.sink import Sink

THEIRS = "ajuda@outra.example"
AWAY = "ferias@example.com"
TEXT = "Estou em viagem até o fim do mês e não leio mensagens neste período."


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    """A gateway at some time of its own."""
    if moving_time.library() is None:
        pytest.skip("libfaketime is not installed here; tests/servers.sh installs it")
    time = MovingTime(tmp_path / "time", datetime(2027, 3, 1, 12, tzinfo=UTC))
    with Sink() as sink:
        time.begin(monkeypatch)
        yield Gateway(sink, time)


def desk_config(folder: Path, url: str, address: str, gateway: Gateway) -> Path:
    """A desk as shipped, without agents, behind the gateway."""
    folder.mkdir(exist_ok=True)
    relay = by_smtp(gateway.sink.port)
    return write_config(folder, url, relay=relay, address=address, caps="", agents="")


def filed(config: Path) -> list[str]:
    """What became of all mail, oldest first; none of it may be anything but done."""
    rows = chamado_json(config, "inbox", "list", "--limit", "1000")
    assert {row["state"] for row in rows} == {"done"}
    return [row["outcome"] for row in sorted(rows, key=lambda row: int(row["id"]))]


#: A letter takes longer than the pause in which an address is answered once.
SLOW = 70 / 60


@pytest.mark.parametrize("hours", [0.0, SLOW], ids=["prompt", "slow"])
def test_l11_two_running_desks_fall_silent_and_file_everything(
    database_url: str, tmp_path: Path, gateway: Gateway, hours: float
) -> None:
    """L-11: a machine's letters are answered twice at most; every mail is filed."""
    gateway.hours = hours
    ours = desk_config(tmp_path / "ours", database_url, SUPPORT, gateway)
    url = f"sqlite:///{tmp_path / 'theirs.db'}"
    theirs = desk_config(tmp_path / "theirs", url, THEIRS, gateway)
    chamado(theirs, "db", "upgrade")
    with Daemon(ours) as one, Daemon(theirs) as two:
        gateway.desks += [Desk(SUPPORT, one), Desk(THEIRS, two)]
        forged = message(sender=THEIRS, message_id="<x@outra.example>")
        gateway.desks[0].hand(forged, THEIRS)
        gateway.carry()
        fates = [filed(ours), filed(theirs)]
        assert (one.stop(), two.stop()) == (0, 0)
    sent = Counter(letter.rcpt_tos[0] for letter in gateway.sink.letters)
    # The first of ours answers what no machine wrote.
    assert max(sent[THEIRS] - 1, sent[SUPPORT]) <= 2
    assert hours or max(sent.values()) <= 2
    assert sent.keys() == {SUPPORT, THEIRS}
    assert [len(some) for some in fates] == [1 + sent[SUPPORT], sent[THEIRS]]


def test_a_vacation_responder_without_headers_meets_the_breaker_of_a_running_desk(
    database_url: str, tmp_path: Path, gateway: Gateway
) -> None:
    """A robot that answers each letter with the same text is soon answered no more."""
    gateway.hours = SLOW
    config = desk_config(tmp_path / "ours", database_url, SUPPORT, gateway)
    with Daemon(config) as daemon:
        desk = Desk(SUPPORT, daemon)
        gateway.desks.append(desk)

        def writes(text: str = TEXT) -> None:
            id_ = f"<{desk.handed}@example.com>"
            raw = message(text, sender=AWAY, subject="Re: Tela", message_id=id_)
            desk.hand(raw, AWAY)

        gateway.others[AWAY] = lambda _: writes()
        writes("A tela fica azul quando clico em enviar.")
        gateway.carry()
        # A word of another kind is still none that the breaker lets through.
        writes("E a impressora também não imprime mais, desde ontem de manhã.")
        gateway.carry()
        fates = filed(config)
        reasons = [chamado(config, "why", str(id_)) for id_ in (4, 5)]
        assert daemon.stop() == 0
    # The person's question, and the robot's text twice.
    assert len(gateway.sink.letters) == 3
    assert fates[:4] == [*["ticket_opened"] * 3, "reply_appended"]
    assert len(fates) == 5
    assert "the same text 3 times in a day" in reasons[0]
    assert "gets no automatic mail for a while" in reasons[1]
