"""What is wrong with a configuration, in words for the person who wrote it.

A problem never repeats the value of a setting that may hold a secret.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake or one warning.

    `key` is dotted (`mailbox.0.host`, empty for the file as a whole), `hint` says what
    to do about it, `where` is `FILE:LINE` or the name of a variable or credential.
    """

    key: str
    message: str
    hint: str = ""
    where: str = ""

    def at(self, where: str) -> "Problem":
        """Return the same problem with its place."""
        return replace(self, where=where)

    def __str__(self) -> str:
        """Say it in one line: where, key, message, and what to do."""
        text = ": ".join(part for part in (self.where, self.key, self.message) if part)
        return f"{text} — {self.hint}" if self.hint else text


class ConfigError(Exception):
    """The configuration cannot be used; carries every mistake found, at least one."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        """Keep the problems in the order of the file."""
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems
