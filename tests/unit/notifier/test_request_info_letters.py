"""The letters of a case's life: instructions for every program, kind closings."""

import email
import re
from dataclasses import replace
from email import policy
from email.message import EmailMessage

import pytest

from chamado.daemon.core.evidence import Topic
from chamado.daemon.core.types import Resolution
from chamado.notifier.render import Templates, sample
from chamado.notifier.types import LetterKind, Notification

TEMPLATES = Templates(timezone="America/Sao_Paulo")
LANGUAGES = ("pt-BR", "en", "es")
TOLD = tuple(
    code for code in Resolution if code not in (Resolution.DUPLICATE, Resolution.SPAM)
)
PROGRAMS = ("Gmail", "Outlook", "Apple Mail", "Yahoo", "Thunderbird", "Zimbra")


def said(notification: Notification) -> tuple[str, str, str]:
    """Subject, text and HTML of a letter, the latter without its tags."""
    letter = TEMPLATES.compose(notification)
    message = email.message_from_bytes(letter.content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    plain, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert html is not None
    bare = re.sub(r"<style>.*?</style>|<[^>]+>", "", html.get_content(), flags=re.S)
    return str(message["Subject"]), plain.get_content().replace("\r\n", "\n"), bare


def asked(language: str, *topics: Topic, text: str = "") -> Notification:
    """A question with these topics."""
    one = sample(LetterKind.INFO_REQUEST, language)
    return replace(one, topics=tuple(t.value for t in topics), text=text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_full_header_is_explained_for_every_program(language: str) -> None:
    """Six programs, the three Outlooks apart, in text and in HTML alike."""
    _, plain, html = said(asked(language, Topic.HEADERS))
    for body in (plain, html):
        for program in PROGRAMS:
            assert program in body
        assert body.count("Outlook") >= 3
        for key in ("Ctrl + U", "Command + U" if language != "es" else "Comando + U"):
            assert key in body
        assert ".eml" in body
        assert "HAR" not in body


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_har_file_is_explained_and_its_danger_named(language: str) -> None:
    """Three browsers, a program's own log, and that passwords can be in it."""
    _, plain, html = said(asked(language, Topic.LOGS))
    danger = {"pt-BR": "senhas", "en": "passwords", "es": "contraseñas"}[language]
    for body in (plain, html):
        for word in ("Chrome", "Edge", "Firefox", "F12", "HAR", ".log", danger):
            assert word in body


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_screenshot_is_explained_for_every_machine(language: str) -> None:
    """Windows, Mac, Android and iPhone, by the keys that are on them."""
    _, plain, html = said(asked(language, Topic.SCREENSHOT))
    shift = "Mayús" if language == "es" else "Shift"
    for body in (plain, html):
        for word in ("Windows", "Mac", "Android", "iPhone", f"{shift} + S"):
            assert word in body


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("topic", list(Topic))
def test_only_what_is_asked_for_is_explained(language: str, topic: Topic) -> None:
    """Each topic alone says nothing of the others, and is short enough to be read."""
    _, plain, _ = said(asked(language, topic))
    marks = {
        Topic.LOGS: "Firefox",
        Topic.HEADERS: "Zimbra",
        Topic.SCREENSHOT: "iPhone",
    }
    for other, mark in marks.items():
        assert (mark in plain) is (other is topic)
    assert len(plain.split()) < 290


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_question_is_a_letter_of_a_person(language: str) -> None:
    """It answers the customer's mail and carries the agent's own words first."""
    subject, plain, _ = said(asked(language, Topic.STEPS, text="Olá, Ana."))
    assert subject == "Re: [#1042] Não consigo entrar"
    assert plain.index("Olá, Ana.\n") < plain.index("- ")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", TOLD)
def test_every_resolution_has_its_own_words(language: str, code: Resolution) -> None:
    """No two codes say the same, in no language, and none shows a code."""
    one = replace(sample(LetterKind.RESOLVED, language), text="")
    bodies = [said(replace(one, resolution=c.value))[1] for c in TOLD]
    assert len(set(bodies)) == len(TOLD)
    _, plain, html = said(replace(one, resolution=code.value))
    assert "#1042" in plain
    assert "_" not in plain
    gist = plain.split("#1042", 1)[1].split(".")[0].strip()
    assert gist in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_resolution_without_a_code_has_words_too(language: str) -> None:
    """An operator's own code, or none, never leaves an empty letter."""
    one = replace(sample(LetterKind.RESOLVED, language), resolution="")
    other = replace(one, resolution="something_new")
    assert said(one)[1] == said(other)[1]
    assert "#1042" in said(one)[1]


def test_a_product_idea_is_not_called_resolved() -> None:
    """Where nothing was repaired the subject does not say so."""
    for code in TOLD:
        one = replace(sample(LetterKind.RESOLVED, "pt-BR"), resolution=code.value)
        resolved = "resolvido" in said(one)[0]
        assert resolved is (code is Resolution.ANSWERED)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_reminder_says_what_is_missing_and_until_when(language: str) -> None:
    """Short names of the topics, the time that is left, and how to answer."""
    one = replace(
        sample(LetterKind.REMINDER, language),
        topics=("headers",),
        grace_hours=7 * 24,
    )
    _, plain, html = said(one)
    for body in (plain, html):
        assert "7 d" in body
        assert "[#1042]" in body
        assert body.count("log") == 0
    forever = replace(one, grace_hours=0)
    assert "7 d" not in said(forever)[1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_reminder_of_a_question_without_topics_has_no_empty_list(
    language: str,
) -> None:
    """An agent may have asked in words of their own."""
    _, plain, html = said(replace(sample(LetterKind.REMINDER, language), topics=()))
    assert "\n- " not in plain.partition("\n-- \n")[0]
    assert "[#1042]" in html
