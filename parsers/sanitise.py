"""The one place where a stranger's text loses what no later stage may ever meet.

Databases refuse NUL and lone surrogates, header writers raise on line separators,
terminals obey escape sequences, and bidi controls reorder what a person reads. This
module only removes or shows such characters; it never judges what the text says.
"""

import re

_CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f"
# U+E0000-E007F are invisible "tag" letters: words in them reach a program, no reader.
_UNSEEN = "\ud800-\udfff\ufffe\uffff\U000e0000-\U000e007f"
_TEXT_BREAK = re.compile("[\x85\u2028\u2029]")
_TEXT_DROP = re.compile(f"[{_CONTROLS}{_UNSEEN}]")
_LINE_SPACE = re.compile("[\t\n\x0b\x0c\r\x85\u2028\u2029 ]+")
_LINE_DROP = re.compile(f"[{_CONTROLS}{_UNSEEN}]")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")


def clean_text(text: str) -> str:
    """Return text for a body: LF line ends, no control characters but TAB and LF."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    # Printable text has nothing to lose; the test costs a tenth of the search.
    rest = text.replace("\n", "").replace("\t", "").replace("\u00a0", "")
    if rest.isprintable():
        return text
    return _TEXT_DROP.sub("", _TEXT_BREAK.sub("\n", text))


def clean_line(text: str, limit: int | None = None) -> str:
    """Return text for a one-line field: no control characters, single blanks.

    `limit` is a number of characters; what is longer is cut.
    """
    if limit is not None and len(text) > 4 * limit:
        # Cut first, so that a huge field costs no more than a field of this size.
        text = text[: 4 * limit]
    if not (text.isascii() and text.isprintable() and "  " not in text):
        text = _LINE_DROP.sub("", _LINE_SPACE.sub(" ", text))
        # What was dropped may have stood between two blanks.
        text = _LINE_SPACE.sub(" ", text) if "  " in text else text
    text = text.strip()
    return text if limit is None else text[:limit].rstrip()


def clean_name(text: str, limit: int = 200) -> str:
    """Return a display or file name: one line, bidi controls as visible escapes."""
    line = clean_line(text, limit)
    return _BIDI.sub(lambda found: f"\\u{ord(found[0]):04x}", line)
