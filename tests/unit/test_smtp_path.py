"""Tests of reading command lines and paths."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chamado.daemon.sources.smtp_path import split_command, split_path
from chamado.daemon.sources.smtp_replies import enhanced


@pytest.mark.parametrize(
    ("argument", "found"),
    [
        ("<a@b>", ("a@b", "")),
        (" <a@b> ", ("a@b", "")),
        ("<>", ("", "")),
        ("<> SIZE=1", ("", "SIZE=1")),
        ("<a@b>  SIZE=1 BODY=8BITMIME", ("a@b", "SIZE=1 BODY=8BITMIME")),
        ("a@b", ("a@b", "")),
        ("a@b SIZE=1", ("a@b", "SIZE=1")),
        ('<"a b"@c>', ('"a b"@c', "")),
        ('<"a\\"> b"@c>', ('"a\\"> b"@c', "")),
        ("<@a,@b:c@d>", ("@a,@b:c@d", "")),
        ("<é@b>", ("é@b", "")),
        ("<a@b>SIZE=1", None),
        ("<a@b", None),
        ("a@b>", None),
        ("<a <b@c>>", None),
        ('<"a@b>', None),
        ("<a@b> SIZE=²", None),
        ("", None),
        ("<" + "x" * 600 + "@b>", None),
    ],
)
def test_paths(argument: str, found: tuple[str, str] | None) -> None:
    """Address and parameters come apart; what is no path is None."""
    assert split_path(argument) == found


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"EHLO a.example\r\n", ("EHLO", "a.example")),
        (b"mail FROM:<a@b> \r\n", ("MAIL", "FROM:<a@b>")),
        (b"QUIT\r\n", ("QUIT", None)),
        (b"QUIT \r\n", ("QUIT", None)),
        ("EHLO é\r\n".encode(), ("EHLO", "é")),
        (b"\r\n", ("", None)),
        (b"QUIT\n", ("", None)),
        (b"EHLO a\rb\r\n", ("", None)),
        (b"EHLO \x1b[2J\r\n", ("", None)),
        (b"EHLO \xff\r\n", ("", None)),
        ("EHLO \u2028\r\n".encode(), ("", None)),
        ("EHLO \x85\r\n".encode(), ("", None)),
    ],
)
def test_commands(line: bytes, command: tuple[str, str | None]) -> None:
    """A verb in capitals and its argument; an unclean line has no verb."""
    assert split_command(line) == command


@given(st.text(max_size=2_048))
def test_any_argument_is_read_in_time(argument: str) -> None:
    """Whatever a line holds, reading it neither raises nor takes long."""
    split_path(argument)
    split_path(f"<{argument}")
    split_path('<"' + argument)


@pytest.mark.parametrize("piece", ['"', "\\", "<", '"\\', "a ", '"a"'])
def test_a_long_hostile_path_is_linear(piece: str) -> None:
    """The longest line of the worst kind is read like any other."""
    assert split_path("<" + piece * (2_048 // len(piece))) is None


@pytest.mark.parametrize(
    ("reply", "with_code"),
    [
        ("250 OK", "250 2.0.0 OK"),
        ("553 5.1.3 Error: malformed address", "553 5.1.3 Error: malformed address"),
        ("503 Error: nested MAIL command", "503 5.5.1 Error: nested MAIL command"),
        ("354 Go on", "354 Go on"),
    ],
)
def test_replies_get_the_code_they_lack(reply: str, with_code: str) -> None:
    """An enhanced code is added once, and not where RFC 2034 has none."""
    assert enhanced(reply) == with_code
