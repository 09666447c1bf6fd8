"""Mail made to hurt, filed for real: a case each, the child alive, the next one fine.

The children here have two seconds of processor time and the usual memory. A message
that takes more kills its child, which counts as a strike; none may.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from chamado.daemon.store import schema
from chamado.daemon.store.engine import Store
from chamado.parsers.pool import ParserPool
from tests.support import hostile
from tests.support.house import House, house, message

CPU_SECONDS = 2


@pytest.fixture(scope="module")
def strict() -> Iterator[ParserPool]:
    """A child that may not think for long."""
    opened = ParserPool(1, cpu_seconds=CPU_SECONDS)
    yield opened
    opened.close()


@pytest.fixture
def strict_home(store: Store, strict: ParserPool, tmp_path: Path) -> Iterator[House]:
    """A house with such a child."""
    with house(store, strict, tmp_path) as built:
        yield built


def filed(home: House, raw: bytes, name: str) -> dict[str, object]:
    """Send one, a day after the one before, and expect one case more."""
    home.clock.move(days=1)
    before = len(home.rows(schema.ticket))
    fate = home.mail(raw, mail_from=f"{name}@hostile.example", key=name)
    assert (fate["state"], fate["outcome"]) == ("done", "ticket_opened"), name
    assert (fate["strikes"], fate["error"]) == (0, None), name
    defects = fate["why"]["defects"]
    assert not [d for d in defects if d.startswith(("whole:", "text only:"))], name
    assert fate["sha256"] == sha256(raw).hexdigest()
    assert len(home.rows(schema.ticket)) == before + 1
    return fate


@pytest.mark.parametrize("id_", hostile.CASES)
def test_hostile_mail_becomes_a_case_and_so_does_the_next(
    strict_home: House, id_: str
) -> None:
    """S-07, P-01…P-34, X-10, X-21, X-22: one case each, and no child is lost."""
    for number, make in enumerate(hostile.CASES[id_].values()):
        filed(strict_home, make(), f"{id_.lower()}-{number}".replace("-", ""))
    assert len(strict_home.rows(schema.outbox)) <= len(hostile.CASES[id_])
    strict_home.clock.move(days=1)
    good = strict_home.mail(message("Tudo bem?", message_id="<good@example.com>"))
    assert (good["outcome"], good["ack"]) == ("ticket_opened", "queued")


@pytest.mark.parametrize(
    ("sender", "address"),
    [
        ("alice@company.example <bob@evil.example>", "bob@evil.example"),
        ('"x\\"@y.example <z@evil.example>" <w@v.example>', "w@v.example"),
        (
            "=?utf-8?Q?alice=40company.example=3E?= <bob@evil.example>",
            "bob@evil.example",
        ),
    ],
)
def test_p10_p12_p13_the_case_is_the_real_senders(
    strict_home: House, sender: str, address: str
) -> None:
    """P-10, P-12, P-13: whatever the name pretends, the address in angles asks."""
    raw = f"From: {sender}\r\nTo: suporte@acme.example\r\nSubject: oi\r\n\r\noi\r\n"
    filed(strict_home, raw.encode(), "p10")
    (contact,) = strict_home.rows(schema.contact)
    assert contact["address"] == address
    assert "alice" not in contact["name"]
    (entry,) = strict_home.rows(schema.entry)
    assert entry["author_address"] == address


def test_p12_a_quoted_local_part_is_shown_as_written_and_is_nobody(
    strict_home: House,
) -> None:
    """P-12: no letter can go there, so it neither asks nor is taken for another."""
    sender = '"alice@c.e x"@internal.example'
    raw = f"From: {sender}\r\nTo: suporte@acme.example\r\nSubject: oi\r\n\r\noi\r\n"
    filed(strict_home, raw.encode(), "p12")
    (contact,) = strict_home.rows(schema.contact)
    assert (contact["address"], contact["name"]) == ("", "")
    (entry,) = strict_home.rows(schema.entry)
    assert entry["author_address"] == sender


@pytest.mark.parametrize("name", hostile.CASES["P-27"])
def test_p27_promises_start_at_arrival(strict_home: House, name: str) -> None:
    """P-27: the Date of a mail is shown, and moves no clock of ours."""
    filed(strict_home, hostile.CASES["P-27"][name](), "p27")
    (ticket,) = strict_home.rows(schema.ticket)
    assert ticket["opened_at"] == strict_home.clock()


def test_p35_mail_that_was_good_once_is_filed(strict_home: House) -> None:
    """P-35: mutated mail costs no child, and the ledger has every one of it."""
    raws = list(hostile.mutated(300, seed=35))
    ids = [strict_home.take(raw, key=f"p35-{n}") for n, raw in enumerate(raws)]
    strict_home.processor.process_all(ids)
    rows = strict_home.rows(schema.inbox)
    assert {(row["state"], row["strikes"]) for row in rows} == {("done", 0)}
    assert sum(strict_home.ledger().values()) == len(raws)


@contextmanager
def canary() -> Iterator[tuple[int, list[str]]]:
    """A web server on the loopback that notes who calls: its port, and the calls."""
    calls: list[str] = []

    class Noting(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Note the call."""
            calls.append(self.path)
            self.send_error(404)

        do_HEAD = do_POST = do_OPTIONS = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Noting)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1], calls
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def pointing_at(url: bytes) -> bytes:
    """A mail that asks to be loaded in every way there is."""
    page = (
        b"Content-Type: text/html\r\nContent-Base: %s\r\n\r\n<base href='%s'>"
        b"<link rel=stylesheet href='%s/l'><style>@import '%s/i';</style>"
        b"<img src='%s/p.gif' srcset='%s/q.gif 2x'><table background='%s/b'><td>oi"
        b"</table><video poster='%s/v' src='%s/w'></video><iframe src='%s/f'></iframe>"
        b"<img src='file:///etc/passwd'><img src='php://filter/resource=x'>"
        b"<img src='http://169.254.169.254/'><img src='http://localhost:5432'>"
        b"<img src='http://[::1]/'><object data='%s/o'></object>"
    ).replace(b"%s", url)
    outside = (
        b'Content-Type: message/external-body; access-type=URL; URL="%s/x"\r\n\r\n'
        b"Content-Type: text/plain\r\n\r\n"
    ).replace(b"%s", url)
    drawn = (
        b'<?xml version="1.0"?><!DOCTYPE svg SYSTEM "%s/d" [<!ENTITY e SYSTEM "%s/e">]>'
        b'<svg xmlns:l="l"><image l:href="%s/s"/>&e;</svg>'
    ).replace(b"%s", url)
    meeting = (
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:oi\r\nURL:%s/c\r\n"
        b"ATTACH:%s/a\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    ).replace(b"%s", url)
    return hostile.mixed(
        page,
        outside,
        hostile.attached(drawn, b"image/svg+xml", b"a.svg"),
        hostile.attached(meeting, b"text/calendar; method=REQUEST", b"a.ics"),
    )


def test_x12_x14_x15_nothing_a_mail_points_at_is_fetched(strict_home: House) -> None:
    """X-12, X-14, X-15: a web server named in a mail in all ways hears nothing."""
    with canary() as (port, calls):
        url = b"http://127.0.0.1:%d" % port
        filed(strict_home, pointing_at(url), "x12")
        strict_home.deliver()
    assert calls == []
    (entry,) = strict_home.rows(schema.entry)
    assert "oi" in entry["text"]
    for word in (url.decode(), "file:", "php:", "169.254", "localhost"):
        assert word not in entry["html"]


MARKUP = "<img src=x onerror=alert(1)>"


def test_x01_markup_in_a_header_is_words(strict_home: House) -> None:
    """X-01: what looks like a tag is kept letter by letter, and loses its meaning."""
    head = (
        f'From: "{MARKUP}" <ana@example.com>\r\nTo: suporte@acme.example\r\n'
        f"Subject: {MARKUP}\r\nMessage-ID: <{MARKUP[1:-1].replace(' ', '')}@x.y>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b0\r\n\r\n"
    ).encode()
    parts = hostile.mixed(
        hostile.TEXT, hostile.attached(b"x", b"a/b", MARKUP.encode())
    ).partition(b"\r\n\r\n")[2]
    filed(strict_home, head + parts, "x01")
    (ticket,) = strict_home.rows(schema.ticket)
    (file,) = strict_home.rows(schema.attachment)
    (contact,) = strict_home.rows(schema.contact)
    assert ticket["subject"] == contact["name"] == file["name"] == MARKUP
    (letter,) = strict_home.rows(schema.outbox)
    assert b"<img" not in letter["content"]
    assert b"onerror" not in letter["content"]


NAMES = (
    "../../etc/cron.d/x", "/abs", "..\\..\\x", "C:\\x", "a/b", ".", "..", "", "CON",
    "x. ", "n" * 5_000, "\u200b.htaccess",
)  # fmt: skip


def test_x16_no_name_of_a_stranger_is_a_name_on_the_disk(
    strict_home: House, tmp_path: Path
) -> None:
    """X-16: a file lies under its digest, and its name is safe to show."""
    digests = set()
    for number, name in enumerate(NAMES):
        content = bytes(range(256)) * (1_000 + number)
        escaped = name.replace("\\", "\\\\").encode()
        raw = hostile.mixed(hostile.TEXT, hostile.attached(content, b"a/b", escaped))
        filed(strict_home, raw, f"x16{number}")
        file = strict_home.rows(schema.attachment)[-1]
        assert 0 < len(file["name"]) <= 120
        assert not set("/\\") & set(file["name"])
        assert file["name"].strip(" .") == file["name"]
        assert strict_home.blobs.get(file["sha256"]) == content
        digests |= {file["sha256"], sha256(raw).hexdigest()}
    paths = (tmp_path / "data").rglob("*")
    large = {path.name for path in paths if path.stat().st_size > 200_000}
    assert large == digests


def test_x19_files_of_one_name_are_all_kept_in_the_case(strict_home: House) -> None:
    """X-19: ten files of one name, two of them the same, are ten files."""
    files = [
        hostile.attached(b"%d" % max(n, 1), b"a/b", b"tela.bin") for n in range(10)
    ]
    filed(strict_home, hostile.mixed(hostile.TEXT, *files), "x19")
    rows = strict_home.rows(schema.attachment)
    assert [row["name"] for row in rows] == ["tela.bin"] * 10
    assert len({row["sha256"] for row in rows}) == 9


def test_s28_a_mail_of_many_hops_that_bears_our_mark_is_filed(
    strict_home: House,
) -> None:
    """S-28: thirty hops are nothing, and our own loop header silences us alone."""
    filed(strict_home, message(), "s28")
    (letter,) = strict_home.rows(schema.outbox)
    mark = message_from_bytes(letter["content"])["X-Chamado-Loop"]
    hops = "".join(
        f"Received: from h{n}.example by h{n + 1}.example; "
        "Wed, 25 Nov 2026 12:00:00 +0000\r\n"
        for n in range(30)
    )
    raw = message("De novo.", message_id="<s28@example.com>", X_Chamado_Loop=mark)
    fate = filed(strict_home, hops.encode() + raw, "s28b")
    assert str(fate["ack"]).startswith("suppressed:")
    assert len(strict_home.rows(schema.outbox)) == 1
