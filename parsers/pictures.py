"""Thumbnails: small copies of pictures, without position, camera or owner.

Needs the extra `images`, and runs in the parser child only, because decoders are where
hostile pictures strike. The original is evidence and stays as it came; EXIF data and
every other note in it are left out of the copy that is shown and sent on, which is
drawn anew from the pixels. The first frame only, and no picture above 40 million
pixels: that is refused by its header, before anything is unpacked.
"""

import hashlib
import io
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from chamado.parsers.types import Attachment, Role, Thumbnail

_FORMATS = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/gif": "GIF",
    "image/webp": "WEBP",
    "image/bmp": "BMP",
}
SIDE = 320
LARGEST = 65_536
_MOST_PIXELS = 40_000_000
# One mail may hold a hundred pictures; what is past these bounds is only kept.
_MOST_PICTURES = 12
_MOST_TOGETHER = 80_000_000


def with_thumbnails(files: Iterable[Attachment]) -> Iterator[Attachment]:
    """Return the files, the pictures among them with a thumbnail where one is made."""
    room, pixels = _MOST_PICTURES, _MOST_TOGETHER
    for file in files:
        needed = (file.width or 0) * (file.height or 0)
        if _worth_it(file) and 0 < needed <= min(pixels, _MOST_PIXELS) and room:
            room -= 1
            pixels -= needed
            file = replace(file, thumbnail=thumbnail(file.content, file.content_type))
        yield file


def _worth_it(file: Attachment) -> bool:
    return file.content_type in _FORMATS and file.role is not Role.SIGNATURE_IMAGE


def thumbnail(content: bytes, content_type: str) -> Thumbnail | None:
    """Draw a copy of at most 320 pixels a side and 64 KiB.

    None without the extra and for whatever is no sound picture of this type. Never
    raises: a picture that cannot be drawn is a file like any other.
    """
    try:
        from PIL import Image, ImageOps
    except ImportError:
        return None
    try:
        with warnings.catch_warnings():
            # Pillow only warns of a bomb until it is twice as large.
            warnings.simplefilter("error")
            Image.MAX_IMAGE_PIXELS = _MOST_PIXELS
            with Image.open(
                io.BytesIO(content), formats=(_FORMATS[content_type],)
            ) as found:
                # A JPEG is then decoded at a fraction of its size.
                found.draft("RGB", (2 * SIDE, 2 * SIDE))
                small = _plain(found)
                small.thumbnail((SIDE, SIDE))
                # A phone turns the picture by a note, and the note is left behind.
                exif = found.getexif()
                small.getexif()[_ORIENTATION] = exif.get(_ORIENTATION, 1)
                return _saved(ImageOps.exif_transpose(small))
    except Exception:  # noqa: BLE001 - decoders raise anything on what is broken
        return None


_ORIENTATION = 0x0112


def _plain(picture: Any) -> Any:
    """Return the first frame as RGB, or as RGBA where it can be seen through."""
    clear = picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
    return picture.convert("RGBA" if clear else "RGB")


def _saved(picture: Any) -> Thumbnail | None:
    """Write pixels alone: PNG where it is small enough, else JPEG."""
    clean = picture.copy()
    clean.info = {}
    for kind, content_type, options in (
        ("PNG", "image/png", {"optimize": True}),
        ("JPEG", "image/jpeg", {"quality": 80}),
        ("JPEG", "image/jpeg", {"quality": 50}),
    ):
        drawn = _on_white(clean) if kind == "JPEG" else clean
        out = io.BytesIO()
        drawn.save(out, kind, exif=b"", **options)
        content = out.getvalue()
        if len(content) <= LARGEST:
            return Thumbnail(
                content_type=content_type,
                size=len(content),
                sha256=hashlib.sha256(content).hexdigest(),
                width=drawn.width,
                height=drawn.height,
                content=content,
            )
    return None


def _on_white(picture: Any) -> Any:
    from PIL import Image

    if picture.mode != "RGBA":
        return picture
    ground = Image.new("RGB", picture.size, "white")
    ground.paste(picture, mask=picture.getchannel("A"))
    return ground
