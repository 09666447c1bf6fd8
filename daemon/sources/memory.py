"""Gives freed memory back to the system after big mail.

glibc keeps what was freed for the next time: after a few mails of 25 MB some 50 MB that
nobody uses stay with the process for good. Where the C library has no such thing to
offer, nothing is done.
"""

import ctypes
from collections.abc import Callable
from functools import cache


def give_back() -> None:
    """Return unused pages; takes some milliseconds, so call it in a quiet moment."""
    _trim()(0)


@cache
def _trim() -> Callable[[int], int]:
    try:
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return int
    return trim
