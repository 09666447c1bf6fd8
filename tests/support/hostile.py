"""Mail made to hurt, built byte by byte: what each case of the list is sent as.

Every entry is (id, inputs by name). Inputs are functions, so that megabytes are made
only by the test that sends them.
"""

import base64
import gzip
import io
import random
import struct
import zipfile
from collections.abc import Callable, Iterator

Make = Callable[[], bytes]

HEAD = (
    b"From: Ana <ana@example.com>\r\nTo: suporte@acme.example\r\n"
    b"Subject: Tela azul\r\nMIME-Version: 1.0\r\n"
)
CRLF = b"\r\n"


def plain(fields: bytes = b"", body: bytes = b"A tela fica azul.\r\n") -> bytes:
    """A message with the usual head, more fields and a body."""
    return HEAD + fields + (CRLF if fields else b"") + CRLF + body


def bare(fields: bytes, body: bytes = b"A tela fica azul.\r\n") -> bytes:
    """A message that has only these fields."""
    return fields + CRLF + CRLF + body


def coded(content: bytes, kind: bytes) -> bytes:
    """A message whose body is base64 of some type."""
    fields = b"Content-Type: " + kind + b"\r\nContent-Transfer-Encoding: base64"
    return plain(fields, base64.encodebytes(content))


def html(content: bytes) -> bytes:
    """A message that is HTML alone."""
    return plain(b"Content-Type: text/html; charset=utf-8", content + CRLF)


def mixed(*parts: bytes, boundary: bytes = b"b0", kind: bytes = b"mixed") -> bytes:
    """A message of parts, each given with its own header."""
    lines = [b"--" + boundary + CRLF + part + CRLF for part in parts]
    body = b"".join(lines) + b"--" + boundary + b"--\r\n"
    return plain(
        b"Content-Type: multipart/" + kind + b'; boundary="' + boundary + b'"', body
    )


TEXT = b"Content-Type: text/plain\r\n\r\nA tela fica azul."


def attached(content: bytes, kind: bytes, name: bytes) -> bytes:
    """A base64 part with a file name."""
    head = b"Content-Type: " + kind + b'\r\nContent-Disposition: attachment; filename="'
    head += name + b'"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    return head + base64.encodebytes(content)


def png(width: int, height: int) -> bytes:
    """The head of a PNG that claims a size."""
    head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height)
    return head + b"\x08\x02\0\0\0" + bytes(60_000)


def zipped(content: bytes, name: str, times: int = 1) -> bytes:
    """An archive with a file in it, as often as asked for."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(times):
            archive.writestr(f"{number}{name}", content)
    return out.getvalue()


def zeros(megabytes: int) -> bytes:
    """Compressed zeros: a thousandth of what they would become."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=9) as packed:
        for _ in range(megabytes):
            packed.write(bytes(1_048_576))
    return out.getvalue()


def bomb() -> bytes:
    """Archives in archives, in the manner of 42.zip."""
    content = zipped(bytes(10_000_000), ".bin")
    for _ in range(4):
        content = zipped(content, ".zip", 16)
    return content


def fields(count: int) -> bytes:
    """A head of many lines."""
    return b"".join(b"X-%d: 1\r\n" % n for n in range(count)) + b"X-End: 1"


def charset(label: bytes) -> Make:
    """A base64 body under a label."""
    return lambda: coded("Olá\r\n".encode() * 20_001, b"text/plain; charset=" + label)


def nested_boundary(boundary: bytes) -> Make:
    """A multipart in a multipart under an odd boundary."""
    inner = b'Content-Type: multipart/mixed; boundary="' + boundary + b'"\r\n\r\n--'
    inner += boundary + b"\r\n\r\nA tela fica azul.\r\n--" + boundary + b"--"
    return lambda: mixed(inner)


def date(value: bytes) -> Make:
    """A message with a Date."""
    return lambda: plain(b"Date: " + value)


CASES: dict[str, dict[str, Make]] = {
    "S-07": {"nul before the dot": lambda: plain(body=b"a\r\n\x00.\r\nb\r\n")},
    "P-01": {
        "nul in the charset": lambda: plain(
            b'Content-Type: text/plain; charset="a\x00b"', b"A tela fica azul \xe1.\r\n"
        )
    },
    "P-02": {
        "subject": lambda: bare(
            b"From: c@d.example\r\nTo: suporte@acme.example\r\nSubject: =?a\x00b?Q?hi?="
        ),
        "from": lambda: bare(
            b"From: =?x\xe4?Q?=E9?= <c@d.example>\r\nTo: suporte@acme.example"
        ),
    },
    "P-04": {
        "punycode": lambda: coded(
            b"a-" + b"z" * 1_000_000, b"text/plain; charset=punycode"
        )
    },
    "P-05": {
        label.decode()[:20]: charset(label)
        for label in (
            b"idna", b"undefined", b"unicode_escape", b"raw_unicode_escape", b"rot13",
            b"zlib", b"hex", b"x" * 5000,
        )
    }
    | {
        "utf-16 of odd length": lambda: coded(
            "Olá, tudo bem?".encode("utf-16")[:-1], b"text/plain; charset=utf-16"
        )
    },
    "P-07": {
        "commas": lambda: plain(b"To: " + b"," * 200_000),
        "addresses": lambda: plain(
            b"Cc: " + b",\r\n ".join(b"a%d@b.example" % n for n in range(20_000))
        ),
    },
    "P-08": {
        "to": lambda: plain(b"To: " + b"(" * 50_000),
        "from": lambda: bare(b"From: " + b"(" * 50_000 + b"a@b.example"),
    },
    "P-14": {
        "20 000 lines": lambda: plain(fields(20_000)),
        "one line of 5 MB": lambda: plain(b"X-Long: " + b"a" * 5_000_000),
        "no body": lambda: HEAD,
        "nothing": lambda: b"",
        "an empty line": lambda: CRLF,
    },
    "P-15": {
        "endless name": lambda: plain(b"n" * 10_000 + b": x"),
        "parse": lambda: plain(b"parse: x\r\n__class__: x\r\nmessage: x"),
        "json": lambda: plain(b"a_json" * 2_000 + b": x"),
    },
    "P-17": {
        "50 000 parts": lambda: mixed(*[b"" for _ in range(50_000)]),
        "prefix of the outer": nested_boundary(b"b00"),
        "of 5 000 letters": nested_boundary(b"b" * 5_000),
        "empty": nested_boundary(b""),
        "the same": nested_boundary(b"b0"),
        "files in the text": lambda: plain(
            body=b"begin 644 a.txt\n#0V%T\n`\nend\n" * 100_000
        ),
        "messages": lambda: mixed(
            TEXT,
            *[b"Content-Type: message/rfc822\r\n\r\n" + html(b"<a " * 400_000)] * 15,
        ),
    },
    "P-19": {
        "34.9 MiB": lambda: mixed(
            TEXT, attached(random.Random(19).randbytes(26_700_000), b"a/b", b"a.bin")
        )
    },
    "P-21": {
        "tags": lambda: bare(
            b"From: a@b.example\r\nTo: suporte@acme.example\r\nSubject: "
            + b"[# " * 20_000
        )
    },
    "P-22": {
        str(content[:5]): lambda content=content: html(content)  # type: ignore[misc]
        for content in (
            b"<a " * 50_000,
            b"<!--" * 50_000,
            b"<div>" * 100_000,
            b"<![" * 20_000,
        )
    },
    "P-23": {
        str(content[:5]): lambda content=content: plain(body=content)  # type: ignore[misc]
        for content in (
            b"On a\n" * 1_000,
            b">" * 1_000_000,
            b"\n" * 100_000,
            b"_" * 1_000_000,
        )
    },
    "P-24": {
        "one line": lambda: plain(body=b"x" * 20_000_000),
        "links": lambda: plain(body=b"http://example.com/x " * 500_000),
    },
    "P-25": {
        "year 99999": date(b"Mon, 1 Jan 99999 00:00:00 +0000"),
        "number": date(b"999999999999"),
        "digits": date(b"9" * 5000),
    },
    "P-27": {
        "1970": date(b"1 Jan 1970 00:00:00 +0000"),
        "2038": date(b"1 Jan 2038 00:00:00 +0000"),
        "in two days": date(b"Fri, 27 Nov 2026 12:00:00 +0000"),
    },
    "P-28": {
        "received": lambda: (
            b"Received: from x by y; Mon, 1 Jan 999999999999 00:00:00 +0000\r\n"
            + plain()
        )
    },
    "P-30": {
        "nul": lambda: bare(
            b"From: a@b.example\r\nX-\x00N: v\r\nSubject: a\x00b", b"x\x00y\r\n"
        ),
        "surrogate": lambda: bare(
            b"From: \xed\xb0\x80 <a@b.example>\r\nSubject: \xed\xb0\x80\r\n"
            b"Content-Type: text/plain; charset=utf-8",
            b"x \xed\xb0\x80 y\r\n",
        ),
    },
    "P-31": {
        "bom": lambda: coded("Olá".encode("utf-8-sig"), b"text/plain; charset=utf-8"),
        "utf-16": lambda: coded("Olá".encode("utf-16"), b"text/plain; charset=utf-16"),
        "iso-2022-jp": lambda: plain(
            b"Content-Type: text/plain; charset=iso-2022-jp",
            "日本語のメール\r\n".encode("iso2022_jp"),
        ),
        "gb18030": lambda: coded(
            "你好，世界：镕".encode("gb18030"), b"text/plain; charset=gb2312"
        ),
        "half a letter": lambda: coded(
            "表示".encode("cp932") + b"\x83", b"text/plain; charset=shift_jis"
        ),
        "windows-1252": lambda: plain(
            b"Content-Type: text/plain; charset=us-ascii", b"n\xe3o \x80 5\r\n"
        ),
    },
    "P-32": {
        "flowed": lambda: plain(
            b"Content-Type: text/plain; format=flowed; delsp=yes",
            b"Uma linha  \r\nlonga.\r\n",
        ),
        "no version": lambda: bare(
            b"From: a@b.example\r\nTo: suporte@acme.example\r\n"
            b"Content-Transfer-Encoding: 8bit",
            "não\r\n".encode(),
        ),
        "seven bits": lambda: plain(
            b"Content-Transfer-Encoding: 7bit", "não\r\n".encode()
        ),
    },
    "P-33": {
        kind.decode(): lambda kind=kind: mixed(  # type: ignore[misc]
            TEXT, attached(b"\x01\x02", kind, b"f.bin")
        )
        for kind in (
            b"application/pkcs7-mime; smime-type=enveloped-data",
            b"application/ms-tnef",
            b"application/pgp-encrypted",
            b"text/calendar; method=REPLY",
        )
    },
    "P-34": {
        "two views": lambda: mixed(
            b"Content-Type: text/plain\r\n\r\nA",
            b"Content-Type: text/html\r\n\r\n<p>B</p>",
            kind=b"alternative",
        ),
        "empty view": lambda: mixed(
            b"Content-Type: text/plain\r\n\r\n",
            b"Content-Type: text/html\r\n\r\n<p>B</p>",
            kind=b"alternative",
        ),
        "html alone": lambda: html(b"<p>B</p>"),
        "no text": lambda: coded(b"%PDF-1.4 x", b"application/pdf"),
    },
    "X-10": {
        "blockquotes": lambda: html(b"<blockquote>" * 170_000),
        "invisible": lambda: plain(
            b"Content-Type: text/plain; charset=utf-8",
            "se\u200bgre\U000e0041do\r\n".encode(),
        ),
    },
    "X-21": {
        "50 000 squared": lambda: mixed(
            TEXT, attached(png(50_000, 50_000), b"image/png", b"a.png")
        ),
        "fits": lambda: mixed(
            TEXT, attached(zeros(64), b"image/fits", b"a.fits.gz")
        ),
        "tiff": lambda: mixed(
            TEXT,
            attached(
                b"II*\0" + struct.pack("<IHHHII", 8, 1, 256, 4, 1, 60_000),
                b"image/tiff",
                b"a.tiff",
            ),
        ),
    },
    "X-22": {
        "zips in zips": lambda: mixed(
            TEXT, attached(bomb(), b"application/zip", b"42.zip")
        ),
        "zip in a mail in a zip": lambda: mixed(
            TEXT,
            attached(
                zipped(mixed(attached(bomb(), b"a/b", b"42.zip")), ".eml"),
                b"application/zip",
                b"mail.zip",
            ),
        ),
        "1 GB of zeros": lambda: mixed(
            TEXT, attached(zeros(1_000), b"application/gzip", b"zeros.gz")
        ),
    },
}  # fmt: skip


def mutated(count: int, seed: int) -> Iterator[bytes]:
    """Mail that was good once: bytes flipped, pieces cut out, doubled and swapped."""
    chance = random.Random(seed)
    seeds = [
        make()
        for cases in (CASES[id_] for id_ in ("P-02", "P-30", "P-33", "P-34"))
        for make in cases.values()
    ]
    for _ in range(count):
        raw = bytearray(chance.choice(seeds))
        for _ in range(chance.randrange(1, 30)):
            at = chance.randrange(len(raw))
            step = chance.randrange(4)
            if step == 0:
                raw[at] = chance.randrange(256)
            elif step == 1:
                del raw[at : at + chance.randrange(1, 40)]
            elif step == 2:
                raw[at:at] = raw[at : at + 200]
            else:
                raw[at:at] = chance.choice(seeds)[: chance.randrange(1, 400)]
            raw = raw or bytearray(b"\n")
        yield bytes(raw)
