"""Thumbnails: small, drawn anew, and never the reason that a mail is late."""

import base64
import io
import struct

import pytest
from PIL import Image

from chamado.parsers.attachments import make
from chamado.parsers.message import parse
from chamado.parsers.pictures import LARGEST, thumbnail, with_thumbnails
from chamado.parsers.types import Classification, ParsedMessage, Role, Understood
from chamado.parsers.wire import read_answer, write_answer
from tests.unit.parsers.containers import png
from tests.unit.parsers.mails import multipart

KINDS = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/gif": "GIF",
    "image/webp": "WEBP",
    "image/bmp": "BMP",
}


def drawn(kind: str, size: tuple[int, int] = (640, 400), **options: object) -> bytes:
    """Return a picture in a format."""
    out = io.BytesIO()
    Image.effect_noise(size, 90).convert("RGB").save(out, kind, **options)
    return out.getvalue()


def looked_at(content: bytes) -> Image.Image:
    """Open a thumbnail."""
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_gets_a_thumbnail(kind):
    """Within 320 pixels and 64 KiB, in the proportions of the picture."""
    small = thumbnail(drawn(KINDS[kind]), kind)
    assert small is not None
    assert (small.width, small.height) == looked_at(small.content).size == (320, 200)
    assert small.size == len(small.content) <= LARGEST


def test_position_and_camera_stay_in_the_original():
    """The copy has no EXIF, no comment and no profile, and stands upright."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Telefone da Ana"
    exif.get_ifd(0x8825)[1] = "S"
    content = drawn("JPEG", (640, 400), exif=exif, comment=b"segredo")
    (file,) = with_thumbnails([make("foto.jpg", "image/jpeg", content)])
    assert file.content == content
    assert b"Telefone da Ana" in content
    small = file.thumbnail
    assert small is not None
    assert (small.width, small.height) == (200, 320)
    assert not looked_at(small.content).getexif()
    for word in (b"Exif", b"Telefone", b"segredo"):
        assert word not in small.content


def test_words_in_a_png_stay_in_the_original():
    """Text chunks of a PNG are not copied."""
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Author", "Ana Souza")
    small = thumbnail(drawn("PNG", pnginfo=info), "image/png")
    assert small is not None
    assert b"Ana Souza" not in small.content


def test_what_can_be_seen_through_is_drawn():
    """Transparent pictures and palettes give thumbnails too."""
    for mode in ("RGBA", "LA", "P", "1", "I;16"):
        out = io.BytesIO()
        Image.new(mode, (500, 300)).save(out, "PNG")
        assert thumbnail(out.getvalue(), "image/png") is not None, mode


def test_x21_a_png_of_fifty_thousand_pixels_a_side_is_not_unpacked():
    """X-21: its header is enough to refuse it; the file is kept."""
    head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 50_000, 50_000)
    bomb = head + b"\x08\x02\0\0\0" + bytes(60_000)
    (file,) = with_thumbnails([make("a.png", "image/png", bomb)])
    assert (file.thumbnail, file.content, file.width) == (None, bomb, 50_000)
    assert thumbnail(bomb, "image/png") is None


def test_x21_a_picture_that_lies_about_its_size_is_not_unpacked():
    """X-21: the bound holds for what the decoder sees, not only for what we saw."""
    bomb = png(9_000, 9_000, whole=False)
    assert len(bomb) < 200_000
    assert thumbnail(bomb, "image/png") is None


def test_x21_many_pictures_at_the_bound_are_few_that_are_drawn():
    """X-21: one mail cannot have more unpacked than two of the largest pictures."""
    large = make("a.png", "image/png", png(6_000, 6_000, whole=False))
    files = list(with_thumbnails([large] * 10))
    assert sum(file.thumbnail is not None for file in files) == 2


def test_x21_ten_thousand_frames_are_one():
    """X-21: only the first frame of an animation is looked at."""
    frames = [Image.new("P", (300, 300), n % 250) for n in range(20)]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    content = out.getvalue()
    # The frames again and again, up to ten thousand.
    head, tail = content[:-1], content[-1:]
    first = head.index(b",\0\0\0\0")
    many = head + head[first:] * 499 + tail
    assert thumbnail(many, "image/gif") is not None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.fits", b"SIMPLE  =                    T" + bytes(5000)),
        ("a.tiff", b"II*\0" + struct.pack("<IHHHII", 8, 1, 256, 4, 1, 60_000)),
        ("a.psd", b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 4, 3000, 3000, 8, 3)),
        ("a.svg", b"<svg onload='alert(1)' width='400' height='400'></svg>"),
        ("a.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 400 400\n"),
    ],
)
def test_x21_other_formats_are_files(name, content):
    """X-21: only five formats are ever decoded, whatever a file is called."""
    for declared in ("image/png", "image/tiff", "application/octet-stream"):
        (file,) = with_thumbnails([make(name, declared, content)])
        assert (file.thumbnail, file.content) == (None, content)
    assert thumbnail(content, "image/png") is None


def test_x07_a_picture_that_is_also_a_script_is_drawn_anew():
    """X-07: what hides behind the pixels does not reach the copy."""
    content = drawn("GIF") + b"/*<script>alert(1)</script>"
    small = thumbnail(content, "image/gif")
    assert small is not None
    assert b"script" not in small.content


def test_a_broken_picture_is_a_file():
    """Half a picture has no thumbnail, and nothing is raised."""
    assert thumbnail(drawn("PNG")[:5_000], "image/png") is None
    for kind, name in KINDS.items():
        assert thumbnail(drawn(name)[:30], kind) is None


def test_a_thumbnail_travels_behind_its_file():
    """The daemon reads from the child what the child has drawn."""
    (file,) = with_thumbnails([make("a.png", "image/png", drawn("PNG"))])
    plain = make("b.txt", "text/plain", b"abc")
    message = ParsedMessage(attachments=(file, plain, file))
    said = Understood(message=message, classification=Classification())
    frame = io.BytesIO()
    write_answer(frame, said)
    frame.seek(0)
    assert read_answer(frame.read) == said


def test_a_logo_needs_no_thumbnail():
    """Pictures of signatures are not sent to anybody."""
    file = make("l.png", "image/png", drawn("PNG"), role=Role.SIGNATURE_IMAGE)
    assert next(iter(with_thumbnails([file]))).thumbnail is None


def test_a_screenshot_in_a_mail_has_a_thumbnail():
    """Parsing a mail makes it."""
    content = drawn("PNG", (800, 600))
    encoded = base64.encodebytes(content).decode()
    message = parse(
        multipart(
            "mixed",
            "Content-Type: text/plain\n\nveja",
            f"Content-Type: image/png\nContent-Transfer-Encoding: base64\n\n{encoded}",
        )
    )
    (file,) = message.attachments
    assert file.role is Role.SCREENSHOT
    assert file.thumbnail is not None
    assert (file.thumbnail.width, file.thumbnail.height) == (320, 240)
