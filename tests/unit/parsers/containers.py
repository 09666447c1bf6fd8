"""Files that hold more than themselves, built byte by byte for the tests."""

import struct
import zlib
from collections.abc import Mapping, Sequence
from itertools import pairwise

FREE, CHAIN_END, FAT_SECTOR = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
SECTOR, MINI = 512, 64


def _object(level: int, name: int, kind: int, data: bytes) -> bytes:
    checksum = sum(data) & 0xFFFF
    head = struct.pack("<BHHI", level, name, kind, len(data))
    return head + data + struct.pack("<H", checksum)


def _mapi(values: Mapping[int, bytes | str]) -> bytes:
    """Properties of a message or a file: text and bytes (MS-OXTNEF §2.1.3.4)."""
    out = struct.pack("<I", len(values))
    for number, value in values.items():
        kind = 0x1F if isinstance(value, str) else 0x102
        data = (value + "\0").encode("utf-16-le") if isinstance(value, str) else value
        out += struct.pack("<HHII", kind, number, 1, len(data))
        out += data.ljust(-(-len(data) // 4) * 4, b"\0")
    return out


def stored_rtf(rtf: bytes) -> bytes:
    """RTF in the form of compressed RTF, without being compressed."""
    return struct.pack("<IIII", len(rtf) + 12, len(rtf), 0x414C454D, 0) + rtf


def tnef(
    body: str = "",
    files: Sequence[tuple[str, bytes]] = (),
    *,
    rtf: bytes = b"",
    content_ids: Mapping[str, str] | None = None,
) -> bytes:
    """A winmail.dat with a plain or rich body and files (MS-OXTNEF §2.1.3)."""
    out = struct.pack("<IH", 0x223E9F78, 1)
    out += _object(1, 0x9006, 8, struct.pack("<I", 0x10000))
    out += _object(1, 0x9007, 6, struct.pack("<II", 1252, 0))
    if body:
        out += _object(1, 0x800C, 2, body.encode("cp1252") + b"\0")
    if rtf:
        out += _object(1, 0x9003, 6, _mapi({0x1009: rtf}))
    for name, content in files:
        out += _object(2, 0x9002, 6, bytes(14))
        out += _object(2, 0x8010, 1, name.encode("cp1252") + b"\0")
        out += _object(2, 0x800F, 6, content)
        if content_ids and name in content_ids:
            out += _object(2, 0x9005, 6, _mapi({0x3712: content_ids[name]}))
    return out


Tree = Mapping[str, "bytes | Tree"]


class _Container:
    """Writes a compound file (MS-CFB), version 3, no larger than one FAT sector."""

    def __init__(self) -> None:
        self.entries: list[list[object]] = []
        self.mini = b""
        self.minifat: list[int] = []

    def add(self, name: str, value: "bytes | Tree", kind: int = 2) -> int:
        index = len(self.entries)
        entry: list[object] = [name, kind, FREE, FREE, FREE, CHAIN_END, 0]
        self.entries.append(entry)
        if isinstance(value, bytes):
            entry[6] = len(value)
            if value:
                entry[5] = len(self.minifat)
                count = -(-len(value) // MINI)
                first = len(self.minifat)
                self.minifat += [*range(first + 1, first + count), CHAIN_END]
                self.mini += value.ljust(count * MINI, b"\0")
            return index
        entry[1] = 5 if index == 0 else 1
        # A tree may lean to one side: every child is the right one of the one before.
        names = sorted(value, key=lambda n: (len(n), n.upper()))
        children = [self.add(child, value[child]) for child in names]
        if children:
            entry[4] = children[0]
        for one, following in pairwise(children):
            self.entries[one][3] = following
        return index

    def write(self) -> bytes:
        root = self.entries[0]
        directory = b"".join(self._entry(one) for one in self.entries)
        sectors: list[bytes] = [b""]
        fat: list[int] = [FAT_SECTOR]

        def chain(data: bytes) -> int:
            pieces = [data[i : i + SECTOR] for i in range(0, len(data), SECTOR)]
            first = len(sectors)
            for number, piece in enumerate(pieces, 1):
                sectors.append(piece.ljust(SECTOR, b"\0"))
                fat.append(len(sectors) if number < len(pieces) else CHAIN_END)
            return first

        root[5], root[6] = chain(self.mini), len(self.mini)
        minifat = struct.pack(f"<{len(self.minifat)}I", *self.minifat)
        minifat = minifat.ljust(-(-len(minifat) // SECTOR) * SECTOR, b"\xff")
        at_minifat = chain(minifat)
        directory = b"".join(self._entry(one) for one in self.entries)
        at_directory = chain(directory)
        sectors[0] = struct.pack(f"<{len(fat)}I", *fat).ljust(SECTOR, b"\xff")
        header = struct.pack(
            "<8s16sHHHHH6sIIIIIIIIII",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            bytes(16),
            0x3E,
            3,
            0xFFFE,
            9,
            6,
            bytes(6),
            0,
            1,
            at_directory,
            0,
            4096,
            at_minifat,
            len(minifat) // SECTOR,
            CHAIN_END,
            0,
            0,
        )
        return header.ljust(SECTOR, b"\xff") + b"".join(sectors)

    @staticmethod
    def _entry(one: list[object]) -> bytes:
        name, kind, left, right, child, start, size = one
        encoded = str(name).encode("utf-16-le") + b"\0\0"
        return struct.pack(
            "<64sHBBIII16sIQQIQ",
            encoded,
            len(encoded),
            kind,
            1,
            left,
            right,
            child,
            bytes(16),
            0,
            0,
            0,
            start,
            size,
        )


def compound(tree: Tree) -> bytes:
    """A compound file with these storages and streams."""
    container = _Container()
    container.add("Root Entry", tree)
    return container.write()


def _properties(head: bytes, texts: Mapping[int, str], **more: "bytes | Tree") -> Tree:
    streams: dict[str, bytes | Tree] = dict(more)
    table = b""
    for number, text in texts.items():
        value = text.encode("utf-16-le")
        streams[f"__substg1.0_{number:04X}001F"] = value
        table += struct.pack("<HHIII", 0x1F, number, 6, len(value) + 2, 0)
    return {**streams, "__properties_version1.0": head + table}


def msg(
    *,
    sender: str,
    to: str,
    subject: str,
    body: str,
    files: Mapping[str, bytes],
    rtf: bytes = b"",
) -> bytes:
    """An Outlook message (MS-OXMSG) with one recipient."""
    parts: dict[str, bytes | Tree] = {
        "__recip_version1.0_#00000000": _properties(
            bytes(8), {0x3001: to, 0x3003: to, 0x39FE: to}
        )
    }
    for number, (name, content) in enumerate(files.items()):
        file = dict(_properties(bytes(8), {0x3707: name}))
        file["__substg1.0_37010102"] = content
        table = file["__properties_version1.0"]
        assert isinstance(table, bytes)
        binary = struct.pack("<HHIII", 0x102, 0x3701, 6, len(content), 0)
        file["__properties_version1.0"] = table + binary
        parts[f"__attach_version1.0_#{number:08X}"] = file
    head = struct.pack("<8x4I8x", 1, len(files), 1, len(files))
    texts = {0x001A: "IPM.Note", 0x0037: subject, 0x0C1A: sender, 0x0C1F: sender}
    if body:
        texts[0x1000] = body
    streams = dict(_properties(head, texts))
    if rtf:
        table = streams["__properties_version1.0"]
        assert isinstance(table, bytes)
        row = struct.pack("<HHIII", 0x102, 0x1009, 6, len(rtf), 0)
        streams["__properties_version1.0"] = table + row
        streams["__substg1.0_10090102"] = rtf
    return compound({**streams, **parts})


def png(width: int, height: int, *, whole: bool = True) -> bytes:
    """A grey PNG; with `whole` unset the pixels are zeros that pack to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    if whole:
        pixels = zlib.compress(b"".join(b"\0" + b"\x80" * width for _ in range(height)))
    else:
        pack = zlib.compressobj(9)
        rows = [pack.compress(bytes(width + 1)) for _ in range(height)]
        pixels = b"".join(rows) + pack.flush()
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
    return start + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
