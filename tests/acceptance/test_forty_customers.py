"""A week at the desk, told to a running daemon whose wall clock is moved.

It begins on a Monday at nine in São Paulo. Forty customers write in three languages, to
support by three doors and to sales, three call or chat; Bia answers for support and
Caio for sales, both by mail as well, and Caio is also the specialist for the database.
Every figure of every report follows from this timetable; they are in `forty_figures`.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from chamado.daemon.store import ledger
from chamado.daemon.store.engine import Store
from tests.support import dovecot, forty_figures, moving_time
from tests.support.daemon import (
    Daemon,
    by_smtp,
    chamado_json,
    wait_until,
    write_config,
)
from tests.support.desk_story import AUTHSERV, at_once, words_of
from tests.support.dovecot import Dovecot
from tests.support.figures import differences, lies_of_availability
from tests.support.forty_figures import HOUR
from tests.support.forty_people import (
    AGENTS,
    BIA,
    CAIO,
    CALLERS,
    CODES,
    EVIDENCE,
    MONDAY,
    PICTURE,
    SALES,
    SECRET,
    SEEN,
    SETTINGS,
    VISTO,
    Day,
    ana,
    everybody,
    language_of,
)
from tests.support.moving_time import MovingTime
from tests.support.sink import Sink


def _monday_morning(day: Day) -> None:
    """At nine ten write, at ten fourteen and three who call, at eleven twelve."""
    day.asks(0, 1, besides="É urgente.")
    day.asks(*range(2, 9))
    day.asks(9, door="mailbox")

    day.later(1)
    day.expects(notice=10)
    for number in range(10):
        by_hand = "#priority p1\n" if number == 4 else ""
        day.answers_notice(BIA, ana(number), f"{by_hand}{SEEN}")
    day.expects(reply=10, confirmed=10)
    day.asks(*range(10, 20), door="lmtp")
    day.asks(*range(32, 36), to=SALES)
    at_once(day.takes_down, CALLERS)
    day.expects(ack=3)

    day.later(2)
    day.expects(notice=14)
    for number in range(10, 20):
        day.answers_notice(BIA, ana(number), SEEN)
    for number in range(32, 36):
        day.answers_notice(CAIO, ana(number), VISTO)
    day.does("reply", *CALLERS.values(), by=BIA, more=day.words(SEEN))
    day.expects(reply=17, confirmed=14)
    day.asks(*range(20, 24), besides="It is just a question.")
    day.asks(*range(24, 32))


def _monday_afternoon(day: Day) -> None:
    """Twelve at once are one digest; some are asked for more, one goes to Caio."""
    day.later(3)
    day.expects(digest=1)
    seen = day.words(SEEN)
    day.does("reply", *everybody(20, 21), by=BIA, more=seen)
    logs = ("--topic", "logs", "--topic", "screenshot")
    day.does("request-info", ana(6), by=BIA, more=logs)
    day.does("request-info", ana(14), by=BIA, more=("--topic", "steps"))
    day.answers_notice(BIA, ana(5), "#wait")
    day.answers_notice(BIA, ana(7), f"#escalate database\n#note\nVeja: {SECRET}")
    day.answers_notice(BIA, ana(8), "#resolve tudo-certo")
    day.expects(reply=2, info_request=2, confirmed=2, returned=1)
    stand = ["waiting", "waiting", "escalated", "open", "waiting"]
    assert day.stand(*everybody(5, 6, 7, 8, 14)) == stand

    day.later(5)
    day.expects(notice=1)
    day.answers_notice(CAIO, ana(7), "Olá. Falta um índice; amanhã estará pronto.")
    day.expects(reply=1, confirmed=1)
    day.does("handback", ana(7), by=CAIO, more=day.words(f"{SECRET}: índice"))
    log = b"erro 42\r\n"
    day.answers(ana(6), "info_request", "Segue tudo.", picture=EVIDENCE, log=log)
    day.answers(ana(5), "reply", "Ainda não deu, vou tentar de novo.")
    day.answers(ana(12), "ack", "Outra coisa: a fatura veio errada.")
    day.expects()

    day.later(6)
    day.expects(notice=4)
    for number in (5, 6):
        day.answers_notice(BIA, ana(number), "Obrigada. Vamos olhar.")
    other = [e for e in day.case(ana(12))["entries"] if e["kind"] == "inbound"][-1]
    day.number["fatura"] = str(day.splits(ana(12), other["id"]))
    day.does("reply", "fatura", by=BIA, more=day.words(SEEN))
    day.expects(reply=3, confirmed=2)

    day.later(10)
    day.asks(*range(36, 40), to=SALES)


def _tuesday_morning(day: Day) -> None:
    """Ten promises are missed and four are near their end; Bia and Caio hear of it."""
    day.later(24.5)
    day.expects(notice=4)
    day.later(26.5)
    wait_until(lambda: (day.told("sla_breached"), day.told("sla_warned")) == (10, 4))
    day.later(27)
    day.expects(notice=14)


def _tuesday_noon(day: Day) -> None:
    """Seven late answers, two cases made one, every case ended in its own way."""
    day.answers_notice(CAIO, ana(39), VISTO)
    day.expects(reply=1, confirmed=1)
    day.does("merge", ana(39), more=("--into", day.number[ana(38)], "--confirm"))
    for number in (*range(14), *range(15, 20)):
        day.answers_notice(BIA, ana(number), f"#resolve {CODES[number % 6]}")
    for number in range(32, 36):
        day.answers_notice(CAIO, ana(number), f"#resolve {CODES[number % 6]}")
    for number in (36, 37, 38):
        text = f"#resolve {CODES[number % 6]}\nHola. Pruebe otra vez, por favor."
        day.answers_notice(CAIO, ana(number), text)
    for number in range(22, 30):
        code = {28: "duplicate", 29: "answered"}.get(number, CODES[number % 6])
        text = f"#resolve {code}\nSorry. Please try again and tell us."
        day.answers_notice(BIA, ana(number), text)
    day.answers_notice(BIA, ana(30), "#resolve spam")
    # Everybody who takes part in 38 reads both letters: 38 and 39.
    day.expects(resolved=19 + 4 + 4 + 7, confirmed=19 + 4 + 3 + 9)
    for number in (20, 21):
        resolution = ("--resolution", CODES[number % 6])
        day.does("resolve", ana(number), by=BIA, more=resolution)
    resolution = ("--resolution", "answered")
    day.does("resolve", "fatura", *CALLERS.values(), by=BIA, more=resolution)
    day.expects(resolved=2 + 4)


def _tuesday_afternoon(day: Day) -> None:
    """One case is not over for its customer, one not for Bia; thanks wake nobody."""
    day.later(29)
    day.answers(ana(20), "resolved", "It still does not work, the same screen.")
    day.answers(ana(3), "resolved", "Muito obrigado!")
    day.does("reopen", CALLERS["chat"], by=BIA)
    day.expects()
    assert day.stand(*everybody(20, 3)) == ["open", "resolved"]

    day.later(30)
    day.expects(notice=2)
    day.answers_notice(BIA, ana(20), "#resolve answered\nPlease try once more, sorry.")
    day.does("resolve", CALLERS["chat"], by=BIA, more=("--resolution", "answered"))
    day.expects(confirmed=1, resolved=2)


def _wednesday(day: Day) -> None:
    """A day after, surveys and a reminder; ten say 5 and three 1, five write a 4."""
    day.later(56)
    day.expects(survey=38, reminder=1)
    day.comes_back("survey", ana(19))
    for number in range(10):
        day.votes(ana(number), 5)
    for number in (10, 11, 12, 13, 15):
        day.answers(ana(number), "survey", "4")
    for number in (16, 17, 18):
        day.votes(ana(number), 1, "Demorou.")
    day.answers(ana(32), "survey", "3")
    day.expects()


def _the_week_after(day: Day) -> None:
    """What is silent is closed, and what nobody answered is still there."""
    day.later(200)
    day.expects(closed=1, notice=4)
    wait_until(lambda: day.told("sla_breached") == 11)
    closed = [*range(31), *range(32, 40)]
    wait_until(lambda: set(day.stand(*everybody(*closed))) == {"closed"})
    assert day.stand(ana(31)) == ["new"]


LETTERS = {
    "ack": 40 + 3,
    "reply": 10 + 17 + 2 + 1 + 3 + 1,
    "info_request": 2,
    "resolved": 34 + 6 + 2,
    "reminder": 1,
    "closed": 1,
    "survey": 38,
    "notice": 10 + 14 + 1 + 4 + 4 + 14 + 2 + 4,
    "digest": 1,
    "confirmed": 10 + 14 + 2 + 1 + 2 + 1 + 35 + 1,
    "returned": 1,
}
OUTCOMES = {
    "ticket_opened": 40,
    "agent_action": 66 + 1,
    "reply_appended": 3 + 2,
    "survey_vote": 6,
    "bounce_recorded": 1,
}


@pytest.fixture
def mailbox() -> Iterator[Dovecot]:
    """A mailbox at a real server."""
    if moving_time.library() is None:
        pytest.skip("libfaketime is not installed here; tests/servers.sh installs it")
    if not dovecot.installed():
        pytest.skip("Dovecot is not installed here; tests/servers.sh installs it")
    server = Dovecot()
    try:
        server.start()
        yield server
    finally:
        server.close()


# The daemon looks at what is due every fifteen seconds, and there are three such looks.
@pytest.mark.timeout(600)
def test_forty_customers_at_a_running_desk(
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mailbox: Dovecot,
) -> None:
    """Every letter leaves once, and every figure is the one worked out by hand."""
    time = MovingTime(tmp_path / "time", MONDAY)
    trusted = f'trusted_authserv_ids = ["{AUTHSERV}"]'
    with Sink() as sink:
        config = write_config(
            tmp_path,
            database_url,
            relay=by_smtp(sink.port),
            listener=trusted,
            caps="",
            agents=AGENTS,
            more=SETTINGS + mailbox.mailbox() + trusted,
        )
        time.begin(monkeypatch)
        with Daemon(config) as daemon:
            day = Day(config, daemon, sink, mailbox, time)
            _monday_morning(day)
            _monday_afternoon(day)
            _tuesday_morning(day)
            _tuesday_noon(day)
            _tuesday_afternoon(day)
            _wednesday(day)
            _the_week_after(day)
            names = ("sla", "csat", "volume", "availability")
            reports = dict(zip(names, at_once(day.report, names), strict=True))
            inbox = chamado_json(config, "inbox", "list", "--limit", "1000")
            pictures = at_once(day.picture, everybody(2, 6))
            assert daemon.stop() == 0
    assert pictures == [PICTURE, EVIDENCE]
    spent, now = time.spent(), day.moves[-1] * HOUR
    shouted = sorted(int(day.number[ana(number)]) for number in (16, 17, 18))
    wanted = {
        "sla": forty_figures.promises(now),
        "csat": forty_figures.questions(now, shouted),
        "volume": forty_figures.moves(now),
    }
    up = reports.pop("availability")
    # They stand in the order of the ends, and mails that come together end as they may.
    reports["csat"]["comments"].sort(key=lambda one: one["number"])
    assert list(differences(reports, wanted, MONDAY, spent)) == []
    assert list(lies_of_availability(up, MONDAY, day.moves, spent)) == []
    assert day.counted() == LETTERS
    assert Counter(row["outcome"] for row in inbox) == OUTCOMES
    assert {row["state"] for row in inbox} == {"done"}
    for number in range(40):
        (ack,) = day.letters("ack", ana(number))
        assert ack["Content-Language"] == language_of(number)
    for to, letter in day.taken:
        said = letter.as_string() + words_of(letter)
        assert to in (BIA, CAIO) or SECRET not in said
    _keeps_its_laws(database_url)


def _keeps_its_laws(database_url: str) -> None:
    store = Store(database_url)
    with store.read() as work:
        assert list(ledger.broken_laws(work)) == []
    store.close()
