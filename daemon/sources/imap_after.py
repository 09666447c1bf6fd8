"""What happens to a message in its mailbox once it is on our stable storage.

`move:FOLDER`, `flag:KEYWORD`, `seen` or `keep`. Never "delete": the pipeline deletes
nothing, and a moved message is the operator's second copy.
"""

from dataclasses import dataclass

from chamado.daemon.sources.imap_words import guarded, keyword


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Into another folder of the same account."""

    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """Stays, with this flag or keyword set."""

    flag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """Stays as it is; we alone remember that it was read."""


After = Move | Flag | Keep


def after(text: str, *, folder: str) -> After:
    """Read the setting of a mailbox that is read from `folder`.

    Raises ValueError, in words for an operator, for anything that is none of the four.
    """
    verb, _, what = text.partition(":")
    match verb, what:
        case "keep", "":
            return Keep()
        case "seen", "":
            return Flag(flag="\\Seen")
        case "flag", word if word:
            return Flag(flag=keyword(word))
        case "move", target if target and target != folder:
            return Move(folder=guarded(target, "the folder to move to"))
    raise ValueError(
        f"after = {text!r}: take move:FOLDER (another folder), flag:KEYWORD, "
        "seen or keep"
    )
