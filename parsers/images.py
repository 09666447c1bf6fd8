"""What a file is by its first bytes, and the size of an image by its header.

An allow-list of signatures, because the question is whether something is safe to show,
not what it might be. Nothing is decompressed and no pixel is read: a bomb stays a file.
"""

import struct

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"%PDF-", "application/pdf"),
    (b"x\x9f>\x22", "application/ms-tnef"),
)
_HEIF = frozenset((b"heic", b"heix", b"mif1", b"heim", b"heis", b"hevc"))
_EXTENSIONS = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/bmp": ".bmp",
    "image/webp": ".webp",
    "image/tiff": ".tif",
    "image/heic": ".heic",
    "application/pdf": ".pdf",
    "application/zip": ".zip",
    "text/plain": ".txt",
    "text/html": ".html",
    "text/csv": ".csv",
    "text/calendar": ".ics",
    "message/rfc822": ".eml",
    "message/global": ".eml",
    "application/pkcs7-signature": ".p7s",
    "application/pkcs7-mime": ".p7m",
    "application/pgp-signature": ".asc",
    "application/ms-tnef": ".dat",
    "application/vnd.ms-outlook": ".msg",
}
# The start of a JPEG may hold a thumbnail and colour profiles before its size.
_JPEG_SEGMENTS = 200


def sniff(content: bytes) -> str | None:
    """Return the content type that the first bytes prove, or None."""
    for mark, content_type in _SIGNATURES:
        if content.startswith(mark):
            return content_type if mark != b"BM" or _is_bmp(content) else None
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content[4:8] == b"ftyp" and content[8:12] in _HEIF:
        return "image/heic"
    return None


def _is_bmp(content: bytes) -> bool:
    return len(content) > 26 and content[14:18] in (
        b"\x0c\0\0\0",
        b"(\0\0\0",
        b"l\0\0\0",
        b"|\0\0\0",
    )


def extension(content_type: str) -> str:
    """Return the usual extension for a content type; `.bin` for what is unknown."""
    known = _EXTENSIONS.get(content_type)
    if known is None and content_type.startswith(("text/", "message/")):
        return ".txt"
    return known or ".bin"


def _png(content: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", content, 16)
    return width, height


def _gif(content: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from("<HH", content, 6)
    return width, height


def _bmp(content: bytes) -> tuple[int, int]:
    if content[14] == 12:
        width, height = struct.unpack_from("<HH", content, 18)
    else:
        width, height = struct.unpack_from("<ii", content, 18)
    return width, abs(height)


def _webp(content: bytes) -> tuple[int, int]:
    if content[12:16] == b"VP8 ":
        width, height = struct.unpack_from("<HH", content, 26)
        return width & 0x3FFF, height & 0x3FFF
    if content[12:16] == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, 21)
        return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    width = int.from_bytes(content[24:27], "little") + 1
    return width, int.from_bytes(content[27:30], "little") + 1


def _jpeg(content: bytes) -> tuple[int, int]:
    at = 2
    for _ in range(_JPEG_SEGMENTS):
        while content[at] != 0xFF:
            at += 1
        while content[at] == 0xFF:
            at += 1
        marker = content[at]
        at += 1
        if 0xD0 <= marker <= 0xD9 or marker == 1:
            continue
        (length,) = struct.unpack_from(">H", content, at)
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", content, at + 3)
            return width, height
        at += length
    return 0, 0


_READERS = {
    "image/png": _png,
    "image/jpeg": _jpeg,
    "image/gif": _gif,
    "image/bmp": _bmp,
    "image/webp": _webp,
}


def dimensions(content: bytes, content_type: str) -> tuple[int, int] | None:
    """Return width and height in pixels as the header says, or None."""
    reader = _READERS.get(content_type)
    if reader is None:
        return None
    try:
        width, height = reader(content)
    except (struct.error, IndexError):
        return None
    return (width, height) if width > 0 and height > 0 else None
