"""Files that were written into a text by yEnc, as news and old mail programs do.

Bytes in, bytes out, never raises. Only what is whole is taken out: where the size or
the checksum is wrong the text stays as it came.
"""

import re
import zlib

_BEGIN = re.compile(
    rb"^=ybegin (?:[a-z0-9]{1,10}=[^\r\n= ]{1,20} ){1,6}name=([^\r\n]{1,255})\r?\n",
    re.MULTILINE,
)
_PART = re.compile(rb"=ypart [^\r\n]{1,200}\r?\n")
_END = re.compile(rb"^=yend ([^\r\n]{1,200})", re.MULTILINE)
_SIZE = re.compile(rb"\bsize=(\d{1,12})")
_SUM = re.compile(rb"\bp?crc32=([0-9a-fA-F]{1,8})")
_SHIFTED = bytes((byte - 42) % 256 for byte in range(256))


def _decoded(data: bytes) -> bytes:
    first, *rest = data.replace(b"\r", b"").replace(b"\n", b"").split(b"=")
    pieces = [first]
    for piece in rest:
        # What an equals sign stands before is shifted once more.
        pieces.append(bytes(((piece[0] - 64) % 256,)) + piece[1:] if piece else b"")
    return b"".join(pieces).translate(_SHIFTED)


def _whole(content: bytes, end: bytes) -> bool:
    size, checksum = _SIZE.search(end), _SUM.search(end)
    if size is None or int(size[1]) != len(content):
        return False
    return checksum is None or int(checksum[1], 16) == zlib.crc32(content)


def split_yenc(data: bytes, most: int) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Take yEnc files out of a text: the text left, and (name, content) each.

    Past `most` files they stay in the text.
    """
    files: list[tuple[bytes, bytes]] = []
    left: list[bytes] = []
    done = 0
    for found in _BEGIN.finditer(data):
        if len(files) >= most:
            break
        if found.start() < done:
            continue
        end = _END.search(data, found.end())
        if end is None:
            break
        part = _PART.match(data, found.end())
        start = part.end() if part else found.end()
        content = _decoded(data[start : end.start()])
        if not content or not _whole(content, end[1]):
            # What lies up to its end is looked at once only.
            left.append(data[done : end.end()])
            done = end.end()
            continue
        files.append((found[1].strip(b' "'), content))
        left.append(data[done : found.start()])
        done = end.end()
    left.append(data[done:])
    return b"".join(left), files
