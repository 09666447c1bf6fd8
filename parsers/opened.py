"""Opening the files that hold more than themselves, by a table of readers.

What a reader finds in a file is treated like what stood in the mail: names cleaned,
types proven, HTML sanitised, counts bounded. Every file that is opened is also kept.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from chamado.parsers import invitation, nested, outlook, page, tnef
from chamado.parsers.attachments import make, references, safe_name
from chamado.parsers.body import Body
from chamado.parsers.html import crude_text, read_html, too_much
from chamado.parsers.images import extension
from chamado.parsers.inside import LARGEST, MOST_WORDS, Found, Inside, TooMuch
from chamado.parsers.rtf import fill_from_rtf
from chamado.parsers.sanitise import clean_line, clean_text
from chamado.parsers.types import Attachment, Flaw, ParseLimits, Role

# Each costs time, and no honest mail holds more of them.
_MOST_OPENED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Opener:
    """A kind of file, how it is told, and what opens it (None: the extra is away).

    `holds` says that there may be files or words of the mail in it, so that one that
    cannot be opened is worth sending again. Others any program may still show.
    """

    name: str
    fits: Callable[[str, str, bytes], bool]
    open: Callable[[bytes, int], Inside | None]
    holds: bool = True


OPENERS = (
    Opener(name="winmail.dat", fits=tnef.is_tnef, open=tnef.open_tnef),
    Opener(name="message", fits=nested.is_nested, open=nested.open_nested),
    Opener(name=".msg", fits=outlook.is_msg, open=outlook.open_msg),
    Opener(
        name="invitation",
        fits=invitation.is_invitation,
        open=invitation.open_invitation,
        holds=False,
    ),
    Opener(name="page", fits=page.is_page, open=page.open_page, holds=False),
)


def open_files(
    files: list[Attachment], body: Body, limits: ParseLimits
) -> tuple[list[Attachment], list[str]]:
    """Return the files and what was found in them, and what went wrong.

    The body is filled from the first file that holds one, if it has no words yet.
    """
    out: list[Attachment] = []
    defects: list[str] = []
    room, opened = limits.attachments - len(files), 0
    for file in files:
        opener = _opener(file) if opened < _MOST_OPENED else None
        before = len(defects)
        inside = _look(opener, file, max(room, 0), defects) if opener else None
        if opener is None or inside is None:
            shut = opener is not None and opener.holds and len(defects) > before
            flaw = file.flaw or (Flaw.CLOSED if shut else None)
            out.append(replace(file, flaw=flaw))
            continue
        opened += 1
        needed = not body.text.strip()
        if needed:
            defects += fill_from_rtf(inside)
        shown = references(inside.html) | references(body.source)
        found = [_file(one, at, shown) for at, one in enumerate(inside.files, 1)]
        room -= len(found)
        out += [_told(file, inside), *found]
        if needed:
            defects += _fill(body, inside, limits)
    return out, defects


def _opener(file: Attachment) -> Opener | None:
    for opener in OPENERS:
        if opener.fits(file.content_type, file.name, file.content):
            return opener
    return None


def _look(
    opener: Opener, file: Attachment, most: int, defects: list[str]
) -> Inside | None:
    try:
        if file.size > LARGEST:
            raise TooMuch(f"larger than {LARGEST} bytes")
        return opener.open(file.content, most)
    except TooMuch as error:
        defects.append(f"limit: {opener.name} not opened, {error}")
    except Exception as error:  # noqa: BLE001 - a file like any other, then
        defects.append(f"{opener.name} not opened: {type(error).__name__}")
    return None


def _told(file: Attachment, inside: Inside) -> Attachment:
    return replace(
        file,
        role=inside.role or file.role,
        content_type=inside.content_type or file.content_type,
        words=clean_text(inside.words[:MOST_WORDS]),
    )


def _file(found: Found, number: int, shown: frozenset[str]) -> Attachment:
    name = safe_name(found.name) or f"attachment-{number}{extension('')}"
    content_id = clean_line(found.content_id, 998) or None
    return make(
        name,
        found.content_type or "application/octet-stream",
        found.content,
        content_id=content_id,
        referenced=not shown.isdisjoint({content_id, found.name} - {None, ""}),
    )


def _fill(body: Body, inside: Inside, limits: ParseLimits) -> list[str]:
    """Let the message in a file be the message, where there is no other."""
    defects: list[str] = []
    text = clean_text(inside.text)
    if inside.html.strip():
        body.source = clean_text(inside.html[: 4 * limits.text_chars])
        if reason := too_much(body.source, limits):
            defects.append(reason)
            text = text if text.strip() else crude_text(body.source)
        else:
            body.html, of_html, lines = read_html(body.source)
            if not text.strip():
                text, body.lines = of_html, lines
    body.text = text[: limits.text_chars].rstrip("\n")
    body.text += "\n" if body.text else ""
    return defects


def readable(files: list[Attachment]) -> str:
    """Return the words that stand for a mail without any: of an opened file.

    Not of an attached message: who sends one without a word has sent it on. Nor of a
    page, which somebody may have meant for a browser alone.
    """
    told = (f for f in files if f.words.strip() and not _enclosed(f))
    return next((file.words for file in told), "")


def _enclosed(file: Attachment) -> bool:
    if file.content_type == "text/html":
        return True
    return file.role is Role.NESTED_MESSAGE and file.content_type != outlook.TYPE
