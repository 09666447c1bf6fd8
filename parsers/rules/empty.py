"""The smallest complete rule, to copy: a message in which nothing was written.

A rule looks at a message and its envelope and answers with a hit or with None. Give it
a line in `RULES` and two examples in the tests, one that hits and one that does not.
"""

from chamado.parsers.types import Envelope, Hit, Own, ParsedMessage


def empty(m: ParsedMessage, envelope: Envelope, own: Own) -> Hit | None:
    """Neither words nor files."""
    if not m.text.strip() and not m.attachments:
        return Hit(rule="empty", why="no text and no files")
    return None
