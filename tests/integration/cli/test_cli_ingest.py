"""`ingest` takes mail, and names what is none or too large."""

import json
from pathlib import Path

import pytest

from chamado.daemon.sources.file import looks_like_mail
from tests.support.counter import CONFIG, Counter, counter
from tests.support.house import message


@pytest.fixture
def small(tmp_path: Path, database_url: str) -> Counter:
    """A command line that takes no mail above 4000 bytes."""
    return counter(tmp_path, database_url, more="[limits]\nmessage_bytes = 4000\n")


def files(out: str) -> list[str]:
    return [Path(json.loads(line)["file"]).name for line in out.splitlines()]


@pytest.mark.parametrize("words", [(), ("--dry-run",)], ids=["taken", "rehearsed"])
def test_a_message_above_the_limit_is_named_and_the_others_go_on(
    small: Counter, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """What no other door would take is not taken out of a file either."""
    for name, text in (("a", "x" * 5000), ("b", "y"), ("c", "z" * 9000)):
        mail = message(text, message_id=f"<{name}@x.example>")
        (tmp_path / f"{name}.eml").write_bytes(mail)
    paths = [tmp_path / f"{name}.eml" for name in "abc"]
    done = small.run("ingest", *paths, "--json", *words)
    assert done.code == 65
    assert files(done.out) == ["b.eml"]
    assert done.err.splitlines() == [
        f"chamado: {path} is larger than 4000 bytes ([limits] message_bytes)"
        for path in (f"{paths[0]}:", f"{paths[2]}:")
    ]


def test_of_an_mbox_only_the_large_message_is_left_out(
    small: Counter, tmp_path: Path
) -> None:
    """The file may be larger than the limit, its messages may not."""
    separator = b"From a@x.example Sun Nov 22 10:00:00 2015\n"
    mails = [
        message(text, message_id=f"<{number}@x.example>")
        for number, text in enumerate(("a" * 2000, "b" * 5000, "c" * 2000))
    ]
    box = tmp_path / "old.mbox"
    box.write_bytes(b"\r\n".join(separator + mail for mail in mails))
    done = small.run("ingest", box, "--json")
    assert done.code == 65
    assert files(done.out) == ["old.mbox#1", "old.mbox#3"]
    assert f"{box}#2: is larger" in done.err


@pytest.mark.parametrize(
    "content",
    [
        CONFIG.encode(),
        b"\0" * 4000,
        b"\x89PNG\r\n\x1a\n\0\0",
        b'{"a": 1}\n',
        b"Hello\n",
    ],
    ids=["configuration", "zeros", "picture", "json", "words"],
)
def test_a_file_that_is_no_mail_opens_no_case(
    cli: Counter, tmp_path: Path, content: bytes
) -> None:
    """A name that was mistyped is refused; mail beside it is taken."""
    wrong, mail = tmp_path / "wrong", tmp_path / "mail"
    wrong.write_bytes(content)
    mail.write_bytes(message())
    done = cli.run("ingest", wrong, mail, "--json")
    assert done.code == 65
    assert files(done.out) == ["mail"]
    assert f"{wrong}: does not look like a message" in done.err
    assert len(cli.json("inbox", "list")) == 1


def test_who_says_that_it_is_mail_is_believed(cli: Counter, tmp_path: Path) -> None:
    """Under the name of a message, or handed in as one, everything is taken."""
    mail = tmp_path / "broken.EML"
    mail.write_bytes(b"no field anywhere\n")
    cli.ok("ingest", mail)
    cli.ok("ingest", "-", stdin=b"nor here\n")
    assert len(cli.json("inbox", "list")) == 2


@pytest.mark.parametrize(
    "content",
    [
        b"Subject: x\n\nbody",
        b"subject :x",
        b"\r\n\r\nFrom: a@b\r\n",
        b"\xef\xbb\xbfFrom: a@b\n",
        b"From a@b without a date\nnothing else\n",
        b">From a@b Sun Nov 22 10:00:00 2015\n",
        b"garbage\n\0\0\nX-Thing:\r",
        b" folded\n\tmore\nTo: x\n",
    ],
)
def test_broken_mail_is_mail(content: bytes) -> None:
    """One field at the top is enough, whatever stands before it."""
    assert looks_like_mail(content)


def test_a_field_further_down_makes_no_mail() -> None:
    """Behind an empty line or fifty others words with a colon are only words."""
    assert not looks_like_mail(b"Hello\n\nSubject: x\n")
    assert not looks_like_mail(b"x = 1\n" * 50 + b"Subject: x\n")


def test_a_folder_names_what_it_leaves_out(cli: Counter, tmp_path: Path) -> None:
    """No mail goes missing unseen because of its name; an empty one is no mail."""
    folder = tmp_path / "old"
    folder.mkdir()
    (folder / "a.eml").write_bytes(message())
    (folder / "b.eml").touch()
    (folder / "c.msg").write_bytes(b"\xd0\xcf\x11\xe0")
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / "none.mbox").touch()
    (folder / "way").symlink_to(tmp_path)
    done = cli.run("ingest", folder, "--json")
    assert done.code == 65
    assert files(done.out) == ["a.eml"]
    assert [line.partition(":")[2] for line in done.err.splitlines()] == [
        f" {folder / 'b.eml'}: is empty",
        f" {folder / 'c.msg'}: is no .eml or .mbox file; "
        "if it is a message, give it by name",
        f" {folder / 'way'}: is a link to a folder, which is not followed",
    ]


def test_an_envelope_sender_that_is_none_is_refused(
    cli: Counter, tmp_path: Path
) -> None:
    """A mistyped one would be somebody that bounces go to; <> is nobody."""
    (tmp_path / "a.eml").write_bytes(message())
    done = cli.run("ingest", tmp_path / "a.eml", "--mail-from", "x y")
    assert done.code == 64
    assert "--mail-from" in done.err
    assert "'x y' is no mail address" in done.err
    cli.ok("ingest", tmp_path / "a.eml", "--mail-from", "<>")
