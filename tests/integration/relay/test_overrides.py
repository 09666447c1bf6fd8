"""Operators' own templates: they replace ours file by file, and can break nothing."""

import email
from dataclasses import replace
from email import policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from chamado.config.address import Address
from chamado.notifier.render import Templates, sample
from chamado.notifier.types import LetterKind

ACK = sample(LetterKind.ACK, "pt-BR")
OURS = Templates().compose(ACK)


def override(folder: Path, files: dict[str, str]) -> Templates:
    """Write an operator's folder and load it."""
    for name, source in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
    return Templates(override=folder)


def said(templates: Templates, subtype: str = "plain") -> str:
    """Compose the sample acknowledgement and return one of its bodies."""
    message = email.message_from_bytes(
        templates.compose(ACK).content, policy=policy.default
    )
    assert isinstance(message, EmailMessage)
    part = message.get_body((subtype,))
    assert part is not None
    content: str = part.get_content()
    return content


def test_an_operator_words_a_letter_anew(tmp_path: Path) -> None:
    """One file is replaced, the others of the letter stay ours."""
    words = "Oi {{ name }}, é o {{ tag }}. {{ promise|upper }}"
    templates = override(tmp_path, {"pt-BR/ack/body.txt": words})
    assert said(templates) == "Oi Ana Souza, é o [#1042]. 24 HORAS\r\n"
    assert said(templates, "html") == said(Templates(), "html")
    assert templates.check() == []


def test_an_operators_layout_holds_every_letter(tmp_path: Path) -> None:
    """A layout of their own is used by our bodies."""
    layout = "<h1>{{ service }}</h1>{% block words %}{% endblock %}"
    templates = override(tmp_path, {"layout.html": layout})
    assert said(templates, "html").startswith("<h1>Acme Suporte</h1>")
    assert templates.check() == []


def test_a_language_is_a_folder(tmp_path: Path) -> None:
    """A folder of three files makes a letter in a language we do not ship."""
    files = {"subject.txt": "Reçu", "body.txt": "{{ promise }}", "body.html": "oui"}
    templates = override(tmp_path, {f"fr/ack/{k}": v for k, v in files.items()})
    letter = templates.compose(replace(ACK, language="fr-CA"))
    message = email.message_from_bytes(letter.content, policy=policy.default)
    assert message["Subject"] == "[#1042] Reçu"
    assert message["Content-Language"] == "fr"
    assert b"\r\n24=C2=A0heures\r\n" in letter.content
    assert "fr" in templates.languages


def test_the_tag_stays_whatever_the_template_says(tmp_path: Path) -> None:
    """The subject of a case carries its number even where the operator forgot it."""
    templates = override(tmp_path, {"pt-BR/ack/subject.txt": "Bem\nvindo"})
    message = email.message_from_bytes(
        templates.compose(ACK).content, policy=policy.default
    )
    assert message["Subject"] == "[#1042] Bem vindo"


def test_o08_data_is_never_template_code(tmp_path: Path) -> None:
    """O-08: a customer's name that is code is printed by an operator's template as it
    is."""
    templates = override(tmp_path, {"pt-BR/ack/body.txt": "{{ name }}"})
    name = "{{7*7}} {% for x in range(9**9) %}"
    letter = templates.compose(
        replace(ACK, recipient=Address(name=name, address="a@b.example"))
    )
    message = email.message_from_bytes(letter.content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    body = message.get_body(("plain",))
    assert body is not None
    # Parentheses are never part of a greeting, whoever they belong to.
    assert body.get_content() == "{{7*7}} {% for x in range 9**9 %}\r\n"


BROKEN = {
    "syntax error": "{% if %}",
    "unclosed": "{{ name",
    "undefined": "{{ nome }}",
    "undefined attribute": "{{ files.first.x }}",
    "large range": "{% for x in range(10**9) %}x{% endfor %}",
    "power": "{{ 9**9**9 }}",
    "endless text": "{{ 'x' * 999999999 }}",
    "nested loops": "".join(f"{{% for a{n} in range(999) %}}" for n in range(6))
    + "{% endfor %}" * 6,
    "loops over text": "".join(f"{{% for a{n} in text %}}" for n in range(9))
    + "{% endfor %}" * 9,
    "recursion": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "doubling macros": "{% macro m(n) %}{% if n %}{{ m(n-1) }}{{ m(n-1) }}{% endif %}"
    "{% endmacro %}{{ m(60) }}",
    "includes itself": "{% include 'pt-BR/ack/PART' %}",
    "writes without end": "{% for x in range(9999) %}{{ 'x'|truncate }}"
    + "y" * 999
    + "{% endfor %}",
    "missing include": "{% include 'nothing.txt' %}",
    "division": "{{ 1 / 0 }}",
    "wrong type": "{{ number + name }}",
    "escape": "{{ name.__class__.__mro__ }}",
    "format": "{{ '{:>999999999}'.format(1) }}",
    "printf": "{{ '%999999999d' % 1 }}",
    "padding": "{{ name|center(999999999) }}",
    "ljust": "{{ name.ljust(999999999) }}",
}


@pytest.mark.parametrize("part", ["body.txt", "body.html", "subject.txt"])
@pytest.mark.parametrize("fault", BROKEN)
def test_o09_f26_a_broken_override_costs_no_letter(
    tmp_path: Path, fault: str, part: str
) -> None:
    """O-09: our own words go out, byte for byte, with one alarm, in no time to speak
    of."""
    source = BROKEN[fault].replace("PART", part)
    with capture_logs() as logs:
        templates = override(tmp_path, {f"pt-BR/ack/{part}": source})
        assert templates.compose(ACK) == OURS
        assert templates.compose(ACK) == OURS
    (alarm,) = logs
    assert (alarm["event"], alarm["log_level"]) == ("template_broken", "error")
    assert alarm["template"] == "pt-BR/ack"
    (problem,) = templates.check()
    assert problem.startswith("pt-BR/ack: ")


def test_o09_a_broken_layout_costs_no_letter(tmp_path: Path) -> None:
    """O-09: a layout that cannot be read alarms for every letter, and ours are sent."""
    with capture_logs() as logs:
        templates = override(tmp_path, {"layout.html": "{% block words %}"})
        assert templates.compose(ACK) == OURS
        problems = templates.check()
    assert len(logs) == len(problems) == len(LetterKind) * 3


def test_o09_a_file_that_is_no_text_costs_no_letter(tmp_path: Path) -> None:
    """O-09: bytes that are no UTF-8 are an alarm like any other."""
    (tmp_path / "pt-BR/ack").mkdir(parents=True)
    (tmp_path / "pt-BR/ack/body.txt").write_bytes(b"\xff\xfe")
    templates = Templates(override=tmp_path)
    assert templates.compose(ACK) == OURS
    assert templates.check()[0].startswith("pt-BR/ack: UnicodeDecodeError")


def test_o09_a_broken_language_of_the_operator_is_answered_in_ours(
    tmp_path: Path,
) -> None:
    """O-09: where there is no such language of ours, the service's own stands in."""
    files = {"subject.txt": "Reçu", "body.txt": "{{ nom }}", "body.html": "oui"}
    templates = override(tmp_path, {f"fr/ack/{k}": v for k, v in files.items()})
    assert templates.compose(replace(ACK, language="fr")) == OURS


def test_templates_can_do_small_sums(tmp_path: Path) -> None:
    """What is bounded is allowed."""
    templates = override(tmp_path, {"pt-BR/ack/body.txt": "{{ number * 2 % 100 }}"})
    assert said(templates) == "84\r\n"


def test_o09_a_language_that_lacks_a_part_costs_no_letter(tmp_path: Path) -> None:
    """O-09: a folder of an unknown language with one file of three is told about."""
    templates = override(tmp_path, {"fr/ack/subject.txt": "Reçu"})
    letter = templates.compose(replace(ACK, language="fr"))
    assert letter == OURS
    assert templates.check()[0].startswith("fr/ack: TemplateNotFound")


def test_f26_a_folder_that_is_not_there_is_told_about(tmp_path: Path) -> None:
    """A misspelt path is a problem of `check`, and our letters go out."""
    templates = Templates(override=tmp_path / "nowhere")
    assert templates.compose(ACK) == OURS
    assert "there is no such folder" in templates.check()[0]
