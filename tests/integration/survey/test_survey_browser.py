"""The page of a survey in a real browser: phone and desk, light and dark, no scripts.

Set CHAMADO_PICTURES to a folder to look at what the browser showed.
"""

import os
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from chamado.daemon.store import cases, schema
from tests.support import browser
from tests.support.browser import Browser
from tests.support.house import House
from tests.support.polls import Site, asked, shown, token_of

pytestmark = [
    pytest.mark.xdist_group("browser"),
    # What the database is makes no difference to a browser.
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]

SCREENS = list(product((390, 1000), (False, True)))
#: Every text against what is behind it, by WCAG 2.2 §1.4.3; returns what is too faint.
FAINT = """
(() => {
  const light = (c) => {
    const [r, g, b] = c.map((v) => v / 255)
      .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const parts = (css) => css.match(/[\\d.]+/g).map(Number);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = parts(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const e of document.querySelectorAll('main, main *')) {
    const says = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!says && e.tagName !== 'TEXTAREA') continue;
    const [a, b] = [light(parts(getComputedStyle(e).color).slice(0, 3)),
                    light(behind(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) faint.push(`${e.tagName} ${e.textContent.trim()} ${ratio}`);
  }
  return faint;
})()
"""
#: What can be touched and is smaller than a fingertip (WCAG 2.2 §2.5.5: 44 pixels).
SMALL = """
[...document.querySelectorAll('label.score, button, textarea')]
  .map((e) => e.getBoundingClientRect())
  .filter((r) => r.height < 44 || r.width < 44).length
"""
NAMED = """
[...document.querySelectorAll('input:not([type=hidden]), textarea')]
  .every((e) => e.labels.length === 1 && e.labels[0].textContent.trim())
"""


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests of this file; skips where none is installed."""
    if browser.programs() is None:
        pytest.skip("Chromium is not installed here; tests/servers.sh installs it")
    with browser.browsing(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where pictures go."""
    folder = Path(os.environ.get("CHAMADO_PICTURES", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def fits(window: Browser, name: str, pictures: Path) -> None:
    """Check that a page can be read and used at every width and in both schemes."""
    for width, dark in SCREENS:
        window.look_like(width, dark=dark)
        window.picture(pictures / f"{name}-{width}-{'dark' if dark else 'light'}.png")
        wide = window.ask("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{name} is {wide} pixels too wide at {width}"
        assert window.ask(FAINT) == []
        assert window.ask(SMALL) == 0
        assert window.ask(NAMED) is True
        assert window.ask("document.querySelectorAll('h1').length") == 1
        assert window.ask("performance.getEntriesByType('resource').length") == 0


def test_the_page_can_be_read_and_used_everywhere(
    home: House, web: Site, window: Browser, pictures: Path
) -> None:
    """Every page that a customer may see, at 390 and 1000 pixels, light and dark."""
    number, letter = asked(home, subject="Não consigo entrar no sistema pelo celular")
    token = token_of(letter)
    base = f"http://127.0.0.1:{web.port}/survey"
    window.logged()
    window.open(f"{base}/{token}?score=4")
    fits(window, "vote", pictures)
    window.write("textarea", "Rápido e gentil.\nSó faltou avisar quando ficou pronto.")
    window.click("button")
    window.wait_for("4 · Bom")
    fits(window, "thanks", pictures)
    window.click("main a")
    window.click("label.score:last-of-type")
    window.click("button")
    window.wait_for("1 · Muito ruim")
    fits(window, "sorry", pictures)
    assert shown(home, number)["survey"]["score"] == 1
    window.click("main a")
    window.click("footer a")
    fits(window, "leave", pictures)
    window.click("button")
    window.wait_for("Pronto", "h1")
    fits(window, "left", pictures)
    assert all(row["no_surveys"] for row in home.rows(schema.contact))
    window.open(f"{base}/nobody")
    fits(window, "unknown", pictures)
    for score in (2, 5, 3):
        web.vote(token, score)
    window.open(f"{base}/{token}")
    home.clock.move(days=2)
    window.open(f"{base}/{token}?score=5")
    home.clock.move(days=2)
    window.click("button")
    window.wait_for("nada foi gravado", ".notice")
    fits(window, "again", pictures)
    home.clock.move(days=90)
    window.open(f"{base}/{token}")
    fits(window, "expired", pictures)
    # What is complained of are statuses of pages that say no; a style, a script or a
    # picture that was refused would be named here.
    complaints = [line for line in window.logged() if "status of 4" not in line]
    assert complaints == []


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_page_looks_as_well_in_other_languages(
    home: House, web: Site, window: Browser, pictures: Path, language: str
) -> None:
    """Longer words break no line."""
    number, letter = asked(home, subject="W" * 120)
    with home.store.write() as work:
        cases.change(work, number, language=language)
    token = token_of(letter)
    window.open(f"http://127.0.0.1:{web.port}/survey/{token}")
    fits(window, f"vote-{language}", pictures)
    window.click("label.score")
    window.click("button")
    window.wait_for("5 · ")
    fits(window, f"thanks-{language}", pictures)
    assert shown(home, number)["survey"]["score"] == 5


def test_a_keyboard_is_enough(home: House, web: Site, window: Browser) -> None:
    """Tab to the scores, arrows to choose, tab to the words, tab to the button."""
    number, letter = asked(home)
    window.look_like(1000, dark=False)
    window.open(f"http://127.0.0.1:{web.port}/survey/{token_of(letter)}")
    window.press("tab", "space", "down", "down")
    assert window.ask("document.activeElement.value") == "3"
    window.press("tab")
    assert window.ask("document.activeElement.id") == "comment"
    window.press("tab", "enter")
    window.wait_for("3 · Regular")
    assert shown(home, number)["survey"]["score"] == 3


def test_a_form_without_a_score_is_not_sent(
    home: House, web: Site, window: Browser
) -> None:
    """The browser itself says that one is missing."""
    number, letter = asked(home)
    window.open(f"http://127.0.0.1:{web.port}/survey/{token_of(letter)}")
    window.click("button")
    assert window.ask("document.querySelectorAll(':invalid').length") > 0
    assert shown(home, number)["survey"]["state"] == "sent"


def test_no_script_is_needed(
    home: House, web: Site, tmp_path: Path, window: Browser
) -> None:
    """With scripts turned off in the browser everything works just the same."""
    number, letter = asked(home)
    with browser.browsing(tmp_path, ["--blink-settings=scriptEnabled=false"]) as plain:
        plain.open(f"http://127.0.0.1:{web.port}/survey/{token_of(letter)}?score=2")
        plain.write("textarea", "sem script")
        plain.click("button")
        plain.wait_for("2 · Ruim")
    survey = shown(home, number)["survey"]
    assert (survey["score"], survey["comment"]) == (2, "sem script")
