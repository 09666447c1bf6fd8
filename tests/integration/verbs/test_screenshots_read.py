"""Words in screenshots, read by the real tesseract behind the mail's back."""

import base64
import io
import shutil
import stat
from pathlib import Path
from threading import Event

import pytest
from PIL import Image, ImageDraw, ImageFont

from chamado.config.settings import Ocr
from chamado.daemon import ocr
from chamado.daemon.store import schema
from chamado.daemon.store.views import Filters, tickets
from tests.support.house import House

needs_tesseract = pytest.mark.skipif(
    shutil.which("tesseract") is None, reason="tesseract is not installed"
)


def screen(words: str, kind: str = "PNG") -> bytes:
    """Return a screenshot of a window that says this."""
    image = Image.new("RGB", (900, 220), "white")
    font = ImageFont.load_default(30)
    ImageDraw.Draw(image).text((30, 60), words, fill="black", font=font)
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


def mail(content: bytes, number: int = 1) -> bytes:
    """Return a mail with a screenshot."""
    encoded = base64.encodebytes(content).decode()
    return (
        "From: ana@example.com\r\nTo: suporte@acme.example\r\nSubject: Erro\r\n"
        f"Message-ID: <s{number}@c.test>\r\n"
        'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nVeja a tela.\r\n"
        "--b\r\nContent-Type: image/png; name=tela.png\r\n"
        f"Content-Transfer-Encoding: base64\r\n\r\n{encoded}\r\n--b--\r\n"
    ).encode()


def reader(home: House, program: ocr.Tesseract, settings: Ocr) -> ocr.ScreenshotReader:
    """Return the job over the house's database."""
    return ocr.ScreenshotReader(home.store, home.blobs, program, settings)


def nothing() -> None:
    """Take a beat."""


def fake(folder: Path, script: str) -> ocr.Tesseract:
    """Return a program that behaves badly in place of tesseract."""
    place = folder / "tesseract"
    place.write_text(f"#!/bin/sh\n{script}\n")
    place.chmod(place.stat().st_mode | stat.S_IXUSR)
    return ocr.Tesseract(path=str(place), languages=("eng",))


@needs_tesseract
def test_the_words_of_a_screenshot_find_its_case(home: House):
    """A search for what the screen said finds the case; it was filed before."""
    home.mail(mail(screen("Erro 500: falha na conexao do servidor")))
    settings = Ocr(enabled=True)
    program = ocr.find(settings)
    assert program is not None
    assert {"por", "eng"} <= set(program.languages)
    with home.store.read() as work:
        assert not tickets(work, Filters(search="falha na conexao"), 10)
    job = reader(home, program, settings)
    assert job.turn(Event(), nothing) == 1
    (file,) = home.rows(schema.attachment)
    assert "Erro 500" in file["words"]
    with home.store.read() as work:
        assert len(tickets(work, Filters(search="falha na conexao"), 10)) == 1
    assert job.turn(Event(), nothing) == 0


@needs_tesseract
def test_a_picture_that_is_broken_inside_is_tried_once(home: House):
    """A head that promises a screenshot and pixels that are none cost one try."""
    home.mail(mail(screen("Erro")[:400] + bytes(50_000)))
    settings = Ocr(enabled=True)
    program = ocr.find(settings)
    assert program is not None
    job = reader(home, program, settings)
    assert (job.turn(Event(), nothing), job.turn(Event(), nothing)) == (1, 0)
    assert [file["words"] for file in home.rows(schema.attachment)] == [""]


@pytest.mark.timeout(60)
def test_a_reader_that_hangs_is_ended(home: House, tmp_path: Path):
    """The time that one picture may take is bounded; the next one is not kept."""
    home.mail(mail(screen("Erro")))
    settings = Ocr(enabled=True, timeout=1.0)
    job = reader(home, fake(tmp_path, "exec sleep 600"), settings)
    assert job.turn(Event(), nothing) == 1
    assert [file["words"] for file in home.rows(schema.attachment)] == [""]


@pytest.mark.timeout(60)
def test_a_reader_stops_when_told_to_and_goes_on_later(home: House, tmp_path: Path):
    """The stop of the daemon does not wait, and the picture stays unread."""
    home.mail(mail(screen("Erro")))
    job = reader(home, fake(tmp_path, "exec sleep 600"), Ocr(enabled=True))
    stop = Event()
    stop.set()
    job.run(stop, nothing)
    assert job.turn(stop, nothing) == 0
    assert [file["words"] for file in home.rows(schema.attachment)] == [None]


def test_a_reader_has_little_memory_and_no_file(home: House, tmp_path: Path):
    """What a picture makes of the program, it stays within its bounds."""
    home.mail(mail(screen("Erro")))
    seen = 'cat >/dev/null; ulimit -v; echo x >"$0.out"; env | grep -c TOKEN'
    settings = Ocr(enabled=True, memory_bytes=268_435_456)
    program = fake(tmp_path, f"trap '' XFSZ; {seen}; exit 0")
    reader(home, program, settings).turn(Event(), nothing)
    (file,) = home.rows(schema.attachment)
    assert file["words"].split("\n")[0] == "262144"
    written = tmp_path / "tesseract.out"
    assert not written.exists() or written.read_bytes() == b""


def test_pictures_that_hold_no_sentence_are_not_read(home: House, tmp_path: Path):
    """What is too small, or of an odd format, is passed over for good."""
    home.mail(mail(screen("Erro", "WEBP")))
    job = reader(home, fake(tmp_path, "echo never"), Ocr(enabled=True))
    assert (job.turn(Event(), nothing), job.turn(Event(), nothing)) == (1, 0)
    assert [file["words"] for file in home.rows(schema.attachment)] == [""]


def test_without_the_program_nothing_is_read(monkeypatch, tmp_path: Path):
    """No program, or none of the wanted languages: it is off."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ocr.find(Ocr(enabled=True)) is None
    fake(tmp_path, "echo 'List of languages'; echo deu")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert ocr.find(Ocr(enabled=True)) is None
    assert ocr.find(Ocr(enabled=True, languages=("deu",))) is not None
