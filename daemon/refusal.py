"""Why a command of a person is not carried out, in one line with the way out.

    Refusal           what was asked for is not done, and nothing was changed
    ├── NotThere      there is no such case, message, letter or file
    ├── BadData       what was handed in cannot be used, or does not fit the case
    ├── NotPermitted  whoever asks may not do this
    ├── Unavailable   a server that is needed does not answer
    └── InTheWay      something is there that would be overwritten

These are answers to operators and agents; mail never meets them.
"""


class Refusal(Exception):
    """Nothing was done; the text says why and what to do instead.

    `code` and `facts` say the same to whoever words it in another language.
    """

    def __init__(self, text: str, code: str = "", **facts: object) -> None:
        super().__init__(text)
        self.code = code
        self.facts = tuple((name, str(value)) for name, value in facts.items())


class NotThere(Refusal):
    """What was named does not exist."""


class BadData(Refusal):
    """What was handed in cannot be used."""


class NotPermitted(Refusal):
    """Somebody asks who is not entitled to."""


class Unavailable(Refusal):
    """A server that is needed does not answer as it should."""


class InTheWay(Refusal):
    """What would be written over is there already."""
