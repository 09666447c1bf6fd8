"""Signed and encrypted mail (RFC 8551, RFC 3156): recognised, and read where it can be.

No signature is verified and nothing is decrypted: that would need keys, and a word of
trust that no reader of one mail can give. What a signature is wrapped around is read
like any mail, and the note says that it was signed, not that the signature holds.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from chamado.parsers.mime import Part
from chamado.parsers.sanitise import clean_line

_PKCS7 = frozenset(("application/pkcs7-mime", "application/x-pkcs7-mime"))
_PGP_MIME = "application/pgp-encrypted"
_ARMOUR = b"-----BEGIN PGP MESSAGE-----"
_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
_ENVELOPED = (
    bytes.fromhex("2a864886f70d010703"),
    bytes.fromhex("2a864886f70d01091001") + b"\x17",
)
_SEQUENCE, _OID, _OCTETS, _CONTEXT = 0x30, 0x06, 0x04, 0xA0
_MOST_PIECES = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """How a mail is closed; `inner` is the MIME entity that could be taken out."""

    signed: str = ""
    encrypted: str = ""
    inner: bytes = b""

    @property
    def notes(self) -> Iterable[str]:
        """Return it in words for `defects`."""
        if self.signed:
            yield f"signed ({self.signed}), not verified"
        if self.encrypted:
            yield f"encrypted ({self.encrypted})"


OPEN = Seal()


def read_seal(root: Part, raw: bytes) -> Seal:
    """Tell how a message is sealed. Never raises."""
    kind = root.content_type
    if kind == "multipart/signed":
        # Some name no protocol, but then the part with the signature says which.
        named = root.params.get("protocol", "") + "".join(
            child.content_type for child in root.children
        )
        return Seal(signed="PGP" if "pgp" in named.lower() else "S/MIME")
    if kind == "multipart/encrypted":
        return Seal(encrypted="PGP")
    if kind in _PKCS7:
        return _pkcs7(root.decoded(raw).content)
    if kind == "text/plain" and not root.multipart:
        start = raw[root.start : root.start + 4096].lstrip()
        if start.startswith(_ARMOUR):
            return Seal(encrypted="PGP")
    return OPEN


def hidden(seal: Seal) -> str:
    """Return what to show where nothing else of a message can be read."""
    if seal.encrypted:
        name = clean_line(seal.encrypted)
        return f"[This message is encrypted ({name}). It could not be read here.]\n"
    return ""


def _pkcs7(content: bytes) -> Seal:
    try:
        kind, inner = _content_info(content)
    except (IndexError, ValueError):
        return OPEN
    if kind in _ENVELOPED:
        return Seal(encrypted="S/MIME")
    return Seal(signed="S/MIME", inner=inner) if kind == _SIGNED_DATA else OPEN


def _content_info(content: bytes) -> tuple[bytes, bytes]:
    """Return the type of a CMS object and what is signed in it (RFC 5652 §3, §5)."""
    at, end = _open(content, 0, len(content), _SEQUENCE)
    start, stop = _open(content, at, end, _OID)
    kind = content[start:stop]
    if kind != _SIGNED_DATA:
        return kind, b""
    at, end = _open(content, stop, end, _CONTEXT)
    at, end = _open(content, at, end, _SEQUENCE)
    # Version and digest algorithms come before what was signed.
    at = _skip(content, _skip(content, at, end), end)
    at, end = _open(content, at, end, _SEQUENCE)
    at = _skip(content, at, end)
    at, end = _open(content, at, end, _CONTEXT)
    return kind, b"".join(_octets(content, at, end))


def _octets(content: bytes, at: int, end: int) -> Iterator[bytes]:
    """Return the pieces of an octet string; large ones come in pieces (BER)."""
    tag = content[at]
    if tag == _OCTETS:
        start, stop = _open(content, at, end, tag)
        yield content[start:stop]
        return
    at, end = _open(content, at, end, 0x24)
    for _ in range(_MOST_PIECES):
        if at >= end or content[at] != _OCTETS:
            return
        start, at = _open(content, at, end, _OCTETS)
        yield content[start:at]
    raise ValueError("too many pieces")


def _length(content: bytes, at: int) -> tuple[int, int | None]:
    """Return where a value begins and how long it is; None: to its end mark."""
    first = content[at]
    if first < 0x80:
        return at + 1, first
    if first == 0x80:
        return at + 1, None
    count = first & 0x7F
    if count > 4:
        raise ValueError("an absurd length")
    return at + 1 + count, int.from_bytes(content[at + 1 : at + 1 + count], "big")


def _open(content: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    """Return the bounds of the value at `at`, which must have this tag."""
    if at >= end or content[at] != tag:
        raise ValueError("not what it claims to be")
    start, length = _length(content, at + 1)
    if length is None:
        return start, end
    if start + length > end:
        raise ValueError("cut off")
    return start, start + length


def _skip(content: bytes, at: int, end: int) -> int:
    start, length = _length(content, at + 1)
    if length is None:
        raise ValueError("no length where one must be")
    if start + length > end:
        raise ValueError("cut off")
    return start + length
