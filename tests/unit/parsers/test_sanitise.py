"""The one choke point for text: what never gets through, and what always does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chamado.parsers.sanitise import clean_line, clean_name, clean_text

ANY = st.text(st.characters(), max_size=200)


@given(ANY)
def test_text_has_no_controls_but_tab_and_line_feed(text):
    """Whatever comes in, a body is storable, printable and encodable."""
    cleaned = clean_text(text)
    cleaned.encode("utf-8")
    assert not [c for c in cleaned if ord(c) < 32 and c not in "\t\n"]
    assert not [c for c in cleaned if 127 <= ord(c) < 160]
    assert clean_text(cleaned) == cleaned


@given(ANY)
def test_a_line_has_no_break_of_any_kind(text):
    """A one-line field is one line for every program that will split lines."""
    cleaned = clean_line(text)
    cleaned.encode("utf-8")
    assert len(cleaned.splitlines()) <= 1
    assert clean_line(cleaned) == cleaned


@given(ANY, st.integers(1, 50))
def test_a_limit_holds(text, limit):
    """A line is never longer than asked for."""
    assert len(clean_line(text, limit)) <= limit


@pytest.mark.parametrize(
    "text", ["Olá, ação!\n\tcódigo\n", "日本語\n", "👩‍💻 ok\n", "עברית\n", "a  b\n"]
)
def test_honest_text_is_not_touched(text):
    """Letters of every script, joined emoji, tabs and blanks stay."""
    assert clean_text(text) == text


def test_line_ends_become_line_feeds():
    """CRLF, CR, NEL and the Unicode separators are all line ends in a body."""
    assert clean_text("a\r\nb\rc\x85d\u2028e") == "a\nb\nc\nd\ne"


def test_bidi_controls_are_shown_in_names():
    """An override that would turn a name around is written out."""
    assert clean_name("a\u202eb\u2066c") == "a\\u202eb\\u2066c"
