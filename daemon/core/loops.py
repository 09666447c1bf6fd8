"""The breaker for loops that carry no header: it looks at what a sender does.

Two robots that answer each other strip or never wrote the headers that would tell. But
no person writes seven mails in ten minutes without a word from us, sends the same text
three times, or carries two of our tags in a subject.
"""

from dataclasses import dataclass

from chamado.daemon.core.thread import TAG


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderHistory:
    """What one address sent before this message with no word from an agent between.

    `last_ten_minutes` and `last_day` count messages, `same_body` those of the last day
    with the same text, `last_ticket` is the sender's newest case.
    """

    last_ten_minutes: int = 0
    last_day: int = 0
    same_body: int = 0
    last_ticket: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopLimits:
    """How much is too much (see `[ack]` in the configuration)."""

    burst: int = 6
    day: int = 20
    same_body: int = 3


def why_loop(history: SenderHistory, subject: str, limits: LoopLimits) -> str | None:
    """Say why this looks like a loop, counting the message itself, or None."""
    if history.last_ten_minutes + 1 > limits.burst:
        return f"more than {limits.burst} messages in ten minutes from this address"
    if history.last_day + 1 > limits.day:
        return f"more than {limits.day} messages in a day from this address"
    if history.same_body + 1 >= limits.same_body:
        return f"the same text {limits.same_body} times in a day from this address"
    if len(TAG.findall(subject)) >= 2:
        return "two of our tags in one subject"
    return None
