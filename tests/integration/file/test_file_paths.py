"""Messages under paths: files, mboxes, maildirs, folders of these, and stdin."""

import io
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chamado.daemon.sources.file import FoundMessage, NoSuchInput, count, messages

MBOX = b"From ana@example.com Sun Nov 22 10:00:00 2015\nSubject: %d\n\nhi\n\n"


def found(path: Path) -> list[FoundMessage]:
    """Return all messages under a path; counting must agree."""
    there = list(messages(str(path)))
    assert count(str(path)) == len(there)
    return there


def a_maildir(at: Path) -> Path:
    """Make an empty maildir."""
    for part in ("cur", "new", "tmp"):
        (at / part).mkdir(parents=True)
    return at


def test_an_eml_file_is_one_message_with_every_byte(tmp_path: Path) -> None:
    """Line ends stay as they are, also where no mail server would leave them."""
    file = tmp_path / "a.eml"
    file.write_bytes(b"Subject: x\n\nline\r\nno end")
    assert found(file) == [FoundMessage(file=str(file), content=file.read_bytes())]


def test_an_mbox_is_known_by_its_first_line_and_numbers_its_messages(
    tmp_path: Path,
) -> None:
    """Whatever the file is called."""
    file = tmp_path / "archive.txt"
    file.write_bytes(MBOX % 1 + MBOX % 2)
    one, two = found(file)
    assert (one.file, two.file) == (f"{file}#1", f"{file}#2")
    assert two.content == b"Subject: 2\n\nhi\n"
    assert one.received_at == datetime(2015, 11, 22, 10, tzinfo=UTC)


def test_a_maildir_gives_new_and_read_mail_with_its_date(tmp_path: Path) -> None:
    """Drafts in tmp, hidden files and the server's own files are no mail."""
    maildir = a_maildir(tmp_path / "box")
    (maildir / "new" / "1.a.host").write_bytes(b"new")
    (maildir / "cur" / "2.b.host:2,S").write_bytes(b"")
    (maildir / "tmp" / "3.c.host").write_bytes(b"draft")
    (maildir / "cur" / ".hidden").write_bytes(b"x")
    (maildir / "dovecot-uidlist").write_bytes(b"x")
    os.utime(maildir / "new" / "1.a.host", (1_700_000_000, 1_700_000_000))
    new, read = found(maildir)
    assert (new.content, read.content) == (b"new", b"")
    assert new.received_at == datetime.fromtimestamp(1_700_000_000, UTC)


def test_mail_that_is_read_meanwhile_is_found_under_its_new_name(
    tmp_path: Path,
) -> None:
    """A mail program may move it from new to cur between listing and reading."""
    maildir = a_maildir(tmp_path)
    for name in ("1.a.host", "2.b.host", "3.c.host"):
        (maildir / "new" / name).write_bytes(name.encode())
    reading = messages(str(maildir))
    first = next(reading)
    (maildir / "new" / "2.b.host").rename(maildir / "cur" / "2.b.host:2,RS")
    (maildir / "new" / "3.c.host").unlink()
    assert [m.content for m in (first, *reading)] == [b"1.a.host", b"2.b.host"]


def test_a_folder_gives_all_mail_below_it_in_order(tmp_path: Path) -> None:
    """Messages, mboxes and maildirs, at any depth; other files are left alone."""
    (tmp_path / "2015").mkdir()
    (tmp_path / "2015" / "b.EML").write_bytes(b"b")
    (tmp_path / "a.eml").write_bytes(b"a")
    (tmp_path / "c.mbox").write_bytes(MBOX % 1)
    (tmp_path / "empty.mbox").write_bytes(b"")
    (tmp_path / "notes.txt").write_bytes(b"x")
    maildir = a_maildir(tmp_path / "d")
    (maildir / "new" / "1.a.host").write_bytes(b"d")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert [m.content for m in found(tmp_path)] == [
        b"b",
        b"a",
        b"Subject: 1\n\nhi\n",
        b"d",
    ]


def test_a_file_date_in_the_future_is_left_out(tmp_path: Path) -> None:
    """No promise to a customer begins to run next year."""
    maildir = a_maildir(tmp_path)
    (maildir / "new" / "1.a.host").write_bytes(b"x")
    os.utime(maildir / "new" / "1.a.host", (4_000_000_000, 4_000_000_000))
    assert found(maildir)[0].received_at is None


@pytest.mark.parametrize(
    ("data", "contents"),
    [
        (b"Subject: x\n\nhi", [b"Subject: x\n\nhi"]),
        (MBOX % 1 + MBOX % 2, [b"Subject: 1\n\nhi\n", b"Subject: 2\n\nhi\n"]),
    ],
)
def test_stdin_is_a_message_or_an_mbox(
    monkeypatch: pytest.MonkeyPatch, data: bytes, contents: list[bytes]
) -> None:
    """It is read once and counts as one for the progress bar."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    there = list(messages("-"))
    assert [message.content for message in there] == contents
    assert there[0].file in ("-", "-#1")
    assert count("-") == 1


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    """What a shell puts in place of `<(zcat old.mbox.gz)` works like a file."""
    reader, writer = os.pipe()
    os.write(writer, MBOX % 1 + MBOX % 2)
    os.close(writer)
    path = f"/dev/fd/{reader}"
    assert count(path) == 1
    assert len(list(messages(path))) == 2
    os.close(reader)


def test_nothing_where_mail_should_be_is_said_in_words(tmp_path: Path) -> None:
    """The error names the thing and what to look for."""
    (tmp_path / "empty.eml").write_bytes(b"")
    (tmp_path / "none").mkdir()
    for path, words in (
        (tmp_path / "missing", "No such file or directory; check the path"),
        (tmp_path / "empty.eml", "is empty"),
        (tmp_path / "none", "holds no mail: no .eml or .mbox file, no maildir"),
    ):
        with pytest.raises(NoSuchInput, match=words) as caught:
            list(messages(str(path)))
        assert str(path) in str(caught.value)


def test_file_names_need_not_be_utf8(tmp_path: Path) -> None:
    """Old archives have names in old character sets."""
    name = os.fsdecode(bytes(tmp_path) + b"/mensagem-n\xe3o-lida.eml")
    Path(name).write_bytes(b"Subject: x\n\n")
    assert len(found(tmp_path)) == 1
