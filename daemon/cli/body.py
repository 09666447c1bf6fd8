"""Where the words of an agent come from: a file, stdin for -, or their editor.

The editor shows what is being answered below a line that everything under it is cut
off at. Nothing written is a decision not to write.
"""

import os
import sys
from pathlib import Path

import click

from chamado.daemon.refusal import BadData, NotThere
from chamado.parsers.sanitise import clean_text

CUT = "-- 8< -- what is below this line is not sent -- 8< --"

body_option = click.option(
    "--body-file",
    type=click.Path(path_type=Path),
    help="The words, UTF-8; - for stdin. Without it your editor opens.",
)

#: The same where there need be no words.
words_option = click.option(
    "--body-file",
    type=click.Path(path_type=Path),
    help="The words, UTF-8; - for stdin. Without it there are none.",
)


def optional_words(file: Path | None) -> str:
    """Read the words of `--body-file`; none without it."""
    return _clean(_from_file(file)) if file is not None else ""


def wanted_words(file: Path | None, answering: str) -> str:
    """Read the words of `--body-file`, or let the agent write them.

    Raises `BadData` when there are none. `answering` is shown in the editor.
    """
    words = _clean(_from_file(file) if file is not None else _edited(answering))
    if not words:
        raise BadData("there are no words; nothing was done")
    return words


def _from_file(file: Path) -> str:
    try:
        raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise NotThere(f"{file}: {error.strerror}") from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadData(f"{file}: is not UTF-8 text") from None


def _edited(answering: str) -> str:
    known = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not (known or (sys.stdin.isatty() and sys.stdout.isatty())):
        raise click.UsageError(
            "there is no terminal for an editor; give --body-file FILE, or - for stdin"
        )
    below = f"\n\n{CUT}\n\n{answering}\n"
    written = click.edit(below, extension=".txt")
    return (written or "").partition(CUT)[0]


def _clean(words: str) -> str:
    return clean_text(words).strip("\n").rstrip()
