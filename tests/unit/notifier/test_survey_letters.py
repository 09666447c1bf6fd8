"""The letter of a survey: its links, its headers, and the words of its page."""

import email
import re
import tomllib
from dataclasses import replace
from email import policy
from email.message import EmailMessage

import pytest

from chamado.daemon.http.pages import FOLDER, Pages
from chamado.notifier.render import Templates, sample
from chamado.notifier.selftest import misbuilt
from chamado.notifier.types import LetterKind, Poll

LANGUAGES = ("pt-BR", "en", "es")
TEMPLATES = Templates(timezone="America/Sao_Paulo")
PAGE = "https://support.acme.example/survey/kq3zv7w2hd5n4tyx6abc2defgh"
MAIL = "mailto:suporte+kq3zv7w2hd5n4tyx6abc2defgh@acme.example?subject="
WEB = Poll(
    votes=tuple(f"{PAGE}?score={n}" for n in range(1, 6)),
    leave=f"{PAGE}/unsubscribe",
    by_mail=False,
    unsubscribe=(f"{PAGE}/unsubscribe", f"{MAIL}unsubscribe"),
    one_click=True,
)
BY_MAIL = Poll(
    votes=tuple(f"{MAIL}{n}" for n in range(1, 6)),
    leave=f"{MAIL}unsubscribe",
    by_mail=True,
    unsubscribe=(f"{MAIL}unsubscribe",),
)
POLLS = {"web": WEB, "mail": BY_MAIL}


def compose(language: str, poll: Poll | None) -> EmailMessage:
    """Compose and read back."""
    letter = TEMPLATES.compose(replace(sample(LetterKind.SURVEY, language), poll=poll))
    assert misbuilt(letter.content) == ""
    message = email.message_from_bytes(letter.content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def said(message: EmailMessage, subtype: str) -> str:
    """The text of one of its two bodies."""
    part = message.get_body((subtype,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def words(language: str) -> dict[str, object]:
    """The words of the page in a language."""
    return tomllib.loads((FOLDER / "words" / f"{language}.toml").read_text("utf-8"))


@pytest.mark.parametrize("kind", POLLS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_five_links_lead_to_five_scores_and_one_out(language: str, kind: str) -> None:
    """Each score once, the best first, each with its word, and the way to opt out."""
    poll = POLLS[kind]
    html = said(compose(language, poll), "html")
    links = re.findall(r'<a [^>]*href="([^"]+)"', html)
    assert links == [*reversed(poll.votes), poll.leave]
    shown = re.findall(r'">(\d)</span> ([^<]+)</a>', html)
    scores = words(language)["scores"]
    assert isinstance(scores, list)
    assert shown == [(str(n), scores[n - 1]) for n in range(5, 0, -1)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_plain_text_has_a_line_for_each_score(language: str) -> None:
    """With its link where there is a page, without one where an answer is the vote."""
    scores = words(language)["scores"]
    assert isinstance(scores, list)
    web = said(compose(language, WEB), "plain")
    mail = said(compose(language, BY_MAIL), "plain")
    for n, word in enumerate(scores, 1):
        assert f"\n{n} - {word}: {PAGE}?score={n}\n" in web
        assert f"\n{n} - {word}\n" in mail
    assert f": {PAGE}/unsubscribe\n" in web
    assert f": {MAIL}unsubscribe\n" in mail


def test_v10_the_letter_says_how_to_opt_out() -> None:
    """V-10: RFC 8058: one https URI first, and the field that promises the POST."""
    web, mail = compose("en", WEB), compose("en", BY_MAIL)
    assert web["List-Unsubscribe"] == f"<{PAGE}/unsubscribe>, <{MAIL}unsubscribe>"
    assert web["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["List-Unsubscribe"] == f"<{MAIL}unsubscribe>"
    assert mail["List-Unsubscribe-Post"] is None


@pytest.mark.parametrize("kind", [k for k in LetterKind if k is not LetterKind.SURVEY])
def test_only_a_survey_has_something_to_unsubscribe_from(kind: LetterKind) -> None:
    """Nobody can opt out of the answers to their own case."""
    letter = TEMPLATES.compose(sample(kind, "en"))
    assert b"List-Unsubscribe" not in letter.content


def test_a_link_is_a_link_and_nothing_else() -> None:
    """What an odd base address would bring into the HTML is escaped."""
    odd = replace(WEB, votes=('https://x.example/"><img src=x>',) * 5)
    assert "<img" not in said(compose("en", odd), "html")


def test_the_letter_and_its_page_ask_the_same_question() -> None:
    """In every language, in the same words."""
    for language in LANGUAGES:
        subject = str(compose(language, WEB)["Subject"])
        assert subject == f"[#1042] {words(language)['question']}"


def test_the_page_speaks_the_languages_of_the_letters() -> None:
    """Every word list has the same keys, five scores, and nothing empty."""
    assert set(Pages().languages) == set(LANGUAGES)
    keys = words("pt-BR").keys()
    for language in LANGUAGES:
        found = words(language)
        assert found.keys() == keys
        assert all(found.values())
        scores = found["scores"]
        assert isinstance(scores, list)
        assert len(scores) == len(set(scores)) == 5
