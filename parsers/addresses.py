"""Address lists read structurally, for identity and where mail-parser gives up.

One linear scan of RFC 5322 §3.4 syntax: quoted strings, comments, groups, angle
brackets. Names are decoded only after the structure is known, so that an encoded
comma or angle bracket can never move an address. What is no plain addr-spec is not
repaired into one here.
"""

import re
from dataclasses import dataclass, field

from chamado.config.address import Address
from chamado.parsers.sanitise import clean_name
from chamado.parsers.words import decode_words

_WIDE = "\x80-\ud7ff\ue000-\U0010ffff"
_ATOM = rf"[a-zA-Z0-9!#$%&'*+/=?^_`{{|}}~{_WIDE}-]+"
_LOCAL = rf'(?:{_ATOM}(?:\.{_ATOM})*\.?|"(?:[^"\\\r\n]|\\[^\r\n])*")'
_DOMAIN = rf"(?:[a-zA-Z0-9_{_WIDE}-]+(?:\.[a-zA-Z0-9_{_WIDE}-]+)*\.?|\[[^\[\]\\]*\])"
_SPEC = re.compile(rf"({_LOCAL})@({_DOMAIN})")
_LOOSE = re.compile(r"[^\s<>\"(),:;@\[\]\\]{1,255}@[^\s<>\"(),:;@\[\]\\]{1,255}")
_BARE = re.compile(rf"<({_ATOM}(?:\.{_ATOM})*)>")
_ADDRESS_LIKE = re.compile(r"[^\s@<>\"]@[^\s@<>\"]+\.\w")
_LONGEST = 320


@dataclass(slots=True)
class _Item:
    """One member of a list: what stands before, inside and after its angle."""

    before: list[str] = field(default_factory=list)
    inside: list[str] | None = None
    after: list[str] = field(default_factory=list)
    comment: list[str] = field(default_factory=list)
    closed: bool = False
    broken: bool = False

    def add(self, char: str) -> None:
        """Take one character where the scan stands."""
        if self.inside is None:
            self.before.append(char)
        elif self.closed:
            self.after.append(char)
        else:
            self.inside.append(char)

    def angle(self, char: str) -> None:
        """Take an angle bracket; a second pair has no meaning."""
        if char == "<" and self.inside is None:
            self.inside = []
        elif char == ">" and self.inside is not None and not self.closed:
            self.closed = True
        else:
            self.broken = True

    def address(self) -> str | None:
        """Return the one addr-spec of this member, if it has exactly one."""
        if self.inside is None:
            return None if self.broken else addr_spec("".join(self.before).strip())
        if self.broken or not self.closed or "".join(self.after).strip():
            return None
        # RFC 5322 §4.4: a source route may stand before the address.
        route, colon, spec = "".join(self.inside).strip().rpartition(":")
        return addr_spec(spec if colon and route.startswith("@") else route + spec)

    def name(self) -> str:
        """Return the raw display name, or the comment that stands in for it."""
        if self.inside is None:
            return "".join(self.comment)
        return _unquote("".join(self.before)) or "".join(self.comment)


def addr_spec(text: str) -> str | None:
    """Return one plain addr-spec with its domain lower-cased, or None."""
    found = _SPEC.fullmatch(text) if len(text) <= _LONGEST else None
    if not found:
        return None
    return f"{found[1]}@{found[2].rstrip('.').lower()}"


def loose_addresses(text: str) -> list[str]:
    """Return whatever looks like an address in text that has no structure left."""
    found = (addr_spec(piece.strip("'.")) for piece in _LOOSE.findall(text))
    return list(dict.fromkeys(address for address in found if address))


def bare_mailbox(text: str) -> str | None:
    """Return the local part in angles where there is no domain (`<root>`).

    Mail of the own host's programs comes like that; it identifies nobody elsewhere.
    """
    found = _BARE.search(text)
    return found[1] if found else None


def display_name(raw: str, address: str) -> str:
    """Decode and clean a display name; a name that plays an address is dropped.

    `From: boss@acme.example <mallory@evil.example>` must not show the first one.
    """
    name = clean_name(decode_words(raw).strip().strip("'\"").strip())
    if "@" in name and (name.lower() == address.lower() or _ADDRESS_LIKE.search(name)):
        return ""
    return name


def _unquote(text: str) -> str:
    """Take the quotes of quoted strings away and undo their escapes."""
    return re.sub(r"\\(.)", r"\1", re.sub(r'(?<!\\)"', "", text)).strip()


def _scan(text: str) -> list[_Item]:
    items = [_Item()]
    depth = 0
    quoted = escaped = group = False
    for char in text:
        item = items[-1]
        if escaped:
            escaped = False
            if not depth:
                item.add("\\")
                item.add(char)
        elif char == "\\" and (quoted or depth):
            escaped = True
        elif depth:
            depth += (char == "(") - (char == ")")
            if depth:
                item.comment.append(char)
        elif quoted or char == '"':
            item.add(char)
            quoted = quoted != (char == '"')
        elif char == "(":
            depth = 1
        elif char in "<>":
            item.angle(char)
        elif char in ",;" and (item.inside is None or item.closed):
            items.append(_Item())
            group = group and char != ";"
        elif char == ":" and item.inside is None and not group:
            # What stands before it is the name of a group, never an address.
            group = True
            items[-1] = _Item()
        else:
            item.add(char)
    if quoted or depth:
        items[-1].broken = True
    return items


def read_addresses(text: str, most: int) -> list[Address]:
    """Return the mailboxes of a header value whose addresses are well formed."""
    found: list[Address] = []
    for item in _scan(text):
        address = item.address()
        if address is None:
            continue
        found.append(Address(name=display_name(item.name(), address), address=address))
        if len(found) >= most:
            break
    return found
