"""Has the C library give memory back after big mail, instead of keeping it.

glibc raises its thresholds with every big block that is freed: after two mails of
25 MB some 50 MB that nobody uses stay with the process for good, out of reach even of
malloc_trim when they belong to another thread than the first. Thresholds that were set
once are not raised. Where the C library knows no thresholds, nothing is done.
"""

import contextlib
import ctypes

# The names are those of <malloc.h>.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3

# Larger blocks come from the system and go back to it. Mails of usual sizes stay below,
# because fresh pages cost a fault each.
_BIG_OCTETS = 4 * 1_048_576


def give_back_big_blocks() -> None:
    """Set the thresholds, for the whole process; may be called again."""
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, _BIG_OCTETS)
        mallopt(_M_TRIM_THRESHOLD, 2 * _BIG_OCTETS)
