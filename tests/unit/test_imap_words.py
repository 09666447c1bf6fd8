"""Words to and from an IMAP server: guarded on the way out, harmless on the way in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chamado.daemon.sources.imap_after import Flag, Keep, Move, after
from chamado.daemon.sources.imap_login import bearer, mechanism, refusal, traces
from chamado.daemon.sources.imap_words import (
    Broken,
    Refused,
    guarded,
    keyword,
    quoted,
    repeatable,
)


@pytest.mark.parametrize("name", ["INBOX", "Größe&-x", "Já lidas/2026", 'a "b" \\ %*'])
def test_i04_any_letters_may_be_in_a_name(name: str) -> None:
    """UTF-7 and quoting take care of them."""
    assert guarded(name, "the folder") == name


@pytest.mark.parametrize(
    "name", ["", "a\r\nb", "a\nb", "\x00", "a\x7f", "\x85", "\ud800"]
)
def test_i04_a_control_character_is_refused(name: str) -> None:
    """It could end one command and begin another."""
    with pytest.raises(ValueError, match="the folder"):
        guarded(name, "the folder")


@pytest.mark.parametrize("word", ["Chamado", "$Processed", "a.b-c_d", "\\Flagged"])
def test_a_keyword_is_an_atom(word: str) -> None:
    """Or one of the system flags that mean no deletion."""
    assert keyword(word) == word


@pytest.mark.parametrize(
    "word", ["", "a b", "a)", "\\Deleted", "\\Draft", "ção", "a\r\n"]
)
def test_no_other_word_is_a_keyword(word: str) -> None:
    """Least of all the one that loses mail."""
    with pytest.raises(ValueError, match="keyword"):
        keyword(word)


def test_the_four_things_to_do_with_a_message() -> None:
    """The setting reads as the manual says."""
    assert after("keep", folder="INBOX") == Keep()
    assert after("seen", folder="INBOX") == Flag(flag="\\Seen")
    assert after("flag:Chamado", folder="INBOX") == Flag(flag="Chamado")
    assert after("move:A:b", folder="INBOX") == Move(folder="A:b")


@pytest.mark.parametrize(
    "text", ["", "delete", "move", "move:", "move:INBOX", "flag:", "keep:x", "SEEN"]
)
def test_nothing_else_is_done_with_a_message(text: str) -> None:
    """A slip of the pen is an error and not a guess."""
    with pytest.raises(ValueError, match="move:FOLDER"):
        after(text, folder="INBOX")


@given(st.text(max_size=400))
def test_what_a_server_says_fits_on_one_harmless_line(text: str) -> None:
    """No control character, no more than 200 letters, whatever it sends."""
    line = repeatable(text)
    assert len(line) <= 200
    assert line.isprintable() or not any(ord(c) < 32 for c in line)
    line.encode()


def test_the_time_that_dovecot_took_is_left_out() -> None:
    """Two answers that say the same are the same."""
    text = "Mailbox doesn't exist: X (0.001 + 0.000 + 0.002 secs)."
    assert repeatable(text) == "Mailbox doesn't exist: X"


def test_secrets_are_taken_out_in_every_coating() -> None:
    """A server may repeat what it did not understand."""
    secret = 'se"cret\\word'
    said = [bearer(m, "ana", secret)(b"") for m in ("XOAUTH2", "OAUTHBEARER")]
    for form in (
        *traces("ana", secret),
        quoted(secret),
        secret,
        *map(bytes.decode, said),
    ):
        line = repeatable(f"BAD what is {form}?", *traces("ana", secret))
        assert "cret" not in line
        assert "***" in line


def test_a_string_is_quoted_as_the_protocol_wants() -> None:
    """Quotes and backslashes are escaped, everything else stays."""
    assert quoted('ACME\\a "b"') == '"ACME\\\\a \\"b\\""'


def test_a_token_is_shown_in_the_way_the_server_offers() -> None:
    """XOAUTH2 unless only the standard's mechanism is there."""
    assert mechanism({b"AUTH=XOAUTH2", b"AUTH=OAUTHBEARER"}) == "XOAUTH2"
    assert mechanism({b"AUTH=OAUTHBEARER"}) == "OAUTHBEARER"
    assert mechanism(set()) == "XOAUTH2"
    answer = bearer("OAUTHBEARER", "a=b,c", "tok")
    assert answer(b"") == b"n,a=a=3Db=2Cc,\x01auth=Bearer tok\x01\x01"
    assert answer(b"{}") == b"\x01"
    answer = bearer("XOAUTH2", "ana", "tok")
    assert answer(b"") == b"user=ana\x01auth=Bearer tok\x01\x01"
    assert (answer(b"{}"), answer(b"{}")) == (b"", b"")


def test_a_server_in_trouble_is_not_a_refusal() -> None:
    """Its own words (RFC 5530) decide between minutes and an hour."""
    assert isinstance(refusal("[UNAVAILABLE] later"), Broken)
    assert isinstance(refusal("[AUTHENTICATIONFAILED] no"), Refused)
    assert isinstance(refusal("no"), Refused)
