"""Strangers' words on their way into a letter."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chamado.notifier import text

MAC_SCREENSHOT = "Captura de Tela 2026-11-22 às 10.00.00.png"


@given(st.text())
def test_o01_one_line_is_one_line(value: str) -> None:
    """O-01: no control character, line end or surrogate survives, and UTF-8 takes
    it."""
    line = text.one_line(value)
    assert line.splitlines() in ([], [line])
    assert "\x00" not in line
    line.encode()


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_body_keeps_the_words_and_their_lines(value: str) -> None:
    """Bodies keep every printable character; line ends of any kind become LF."""
    body = text.body(value)
    assert "\r" not in body
    kept = [c for c in value if c.isprintable()]
    assert [c for c in body if c.isprintable()] == kept


@pytest.mark.parametrize(
    ("name", "greeted"),
    [
        ("Ana Souza", "Ana Souza"),
        ("Dr. Ana", "Dr. Ana"),
        ("O'Neil, João", "O'Neil João"),
        ("Click http://evil.example now", ""),
        ("www.evil.example", ""),
        ("win at evil.example", ""),
        ("éví.example", ""),
        ("\u202eanA\u2066", "anA"),
        ("\\u202eanA\\u2066", "anA"),
        ("A" * 300, "A" * 64),
    ],
)
def test_l19_a_name_that_advertises_is_not_greeted(name: str, greeted: str) -> None:
    """L-19: links in a display name leave nothing to greet; other names are kept
    short."""
    assert text.greeting_name(name) == greeted


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("tela.png", "tela.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\erro.log", "erro.log"),
        ("a\r\nContent-Type: x.png", "a Content-Type: x.png"),
        ("\u202egnp.exe", "gnp.exe"),
        ("a\\u202egpj.exe", "agpj.exe"),
        ("C:\\temp\\\\u2066erro.log", "erro.log"),
        ("C:\\u2026\\erro.log", "erro.log"),
        ("...", "file"),
        ("", "file"),
        ("x" * 5000 + ".png", "x" * 116 + ".png"),
    ],
)
def test_file_names_lose_folders_and_tricks_and_keep_the_extension(
    name: str, written: str
) -> None:
    """A name of a file is one short line without a path."""
    assert text.file_name(name) == written


def test_a_bidi_control_that_parsing_has_shown_costs_no_part_of_a_file_name() -> None:
    """The backslash of the escape is no folder; the rest of the name is all there."""
    said = text.shown_file("a\\u202egpj.exe", trusted=True)
    assert (said.name, said.type) == ("agpj.exe", "EXE")


@pytest.mark.parametrize(
    ("name", "shown", "kind"),
    [
        ("tela.png", "tela.png", "PNG"),
        (unicodedata.normalize("NFD", MAC_SCREENSHOT), MAC_SCREENSHOT, "PNG"),
        ("FREE NITRO http://evil.example.png", "", "PNG"),
        ("FREE NITRO evil.example now.png", "", "PNG"),
        ("one two three four five six seven eight nine.png", "", "PNG"),
        ("no extension at all", "", ""),
        ("x" * 200 + ".pdf", "", "PDF"),
    ],
)
def test_l18_an_unproven_sender_sees_only_plain_file_names(
    name: str, shown: str, kind: str
) -> None:
    """L-18: a file name that could carry a message is not repeated to a forged
    sender."""
    said = text.shown_file(name, trusted=False)
    assert (said.name, said.type) == (shown, kind)
    assert text.shown_file(name, trusted=True).name
