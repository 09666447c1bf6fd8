"""While the database is away: metrics, the survey's page and the log say so.

What kind of database is away makes no difference here, so one kind of it is enough.
"""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from chamado.daemon.chores import Chores
from chamado.daemon.http import server
from chamado.daemon.store.engine import Store
from chamado.daemon.surveys import Surveys
from tests.support.house import House
from tests.support.polls import asked, site, token_of

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def away(tmp_path: Path) -> Iterator[Store]:
    """A database whose folder is gone."""
    store = Store(f"sqlite:///{tmp_path / 'gone' / 'chamado.db'}")
    (tmp_path / "gone").rmdir()
    yield store
    store.close()


def chores(home: House, store: Store) -> Chores:
    surveys = Surveys(store, lambda: home.desk)
    return Chores(store, lambda: home.desk, surveys, lambda: None)


def test_metrics_are_served_and_tell_while_the_database_is_away(
    home: House, away: Store
) -> None:
    """What the process counts is shown as ever, and a gauge says what is wrong, once
    in the log; it rises when the database is back."""
    gone = chores(home, away)
    with structlog.testing.capture_logs() as told:
        with site(home, refresh=gone.show_gauges) as web:
            pages = [web.get("/metrics") for _ in range(2)]
        for page in pages:
            assert page.status == 200
            assert "chamado_database_up 0.0" in page.text
            assert "chamado_mail_failed_total" in page.text
    (line,) = [one for one in told if one["event"] == "database_away"]
    assert line["error"] == "OperationalError: unable to open database file"
    with site(home, refresh=chores(home, home.store).show_gauges) as web:
        assert "chamado_database_up 1.0" in web.get("/metrics").text


def test_metrics_do_not_wait_for_a_database_that_hangs(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scrape ends long before its own time limit, and asks once, not once each."""
    monkeypatch.setattr(server, "REFRESH_SECONDS", 0.1)
    back, questions = threading.Event(), []

    def hang() -> None:
        questions.append(1)
        assert back.wait(30)

    with site(home, refresh=hang) as web:
        try:
            pages = [web.get("/metrics") for _ in range(2)]
        finally:
            back.set()
    assert [page.status for page in pages] == [200, 200]
    assert "chamado_database_up 0.0" in pages[0].text
    assert len(questions) == 1


@pytest.mark.parametrize(
    ("accepted", "language", "words"),
    [
        ("", "pt-BR", "daqui a alguns minutos"),
        ("es-MX,es;q=0.9,en;q=0.8", "es", "en unos minutos"),
        ("ja, en-GB;q=0.5", "en", "in a few minutes"),
        ("ja,\x80;q=x,,", "pt-BR", "daqui a alguns minutos"),
    ],
)
def test_the_survey_page_says_come_back_while_the_database_is_away(
    home: House, away: Store, accepted: str, language: str, words: str
) -> None:
    """A page of ours, in the language of the browser, instead of a bare error."""
    _, letter = asked(home)
    path = f"/survey/{token_of(letter)}"
    with site(home, store=away) as web:
        pages = [
            web.get(path, Accept_Language=accepted),
            web.post(path, {"score": "5"}, Accept_Language=accepted),
            web.get(f"{path}/unsubscribe", Accept_Language=accepted),
        ]
    for page in pages:
        assert page.status == 503
        assert words in page.text
        assert page.headers["retry-after"] == "60"
        assert page.headers["content-language"] == language
        assert page.headers["cache-control"] == "no-store"
