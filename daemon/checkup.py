"""What `doctor` reports: one line a check, with what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """How a check ended; only `fail` makes the command end with 1."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    check: str
    status: Health
    what: str
    fix: str = ""

    def __str__(self) -> str:
        """Say `ok|warn|fail name: what — how to fix`."""
        line = f"{self.status.value} {self.check}: {self.what}"
        return f"{line} — {self.fix}" if self.fix else line


def ok(check: str, what: str) -> Check:
    """All is well."""
    return Check(check=check, status=Health.OK, what=what)


def warn(check: str, what: str, fix: str) -> Check:
    """It works, but is probably not meant so, or will not last."""
    return Check(check=check, status=Health.WARN, what=what, fix=fix)


def fail(check: str, what: str, fix: str) -> Check:
    """Mail does not come in, does not go out, or is in danger."""
    return Check(check=check, status=Health.FAIL, what=what, fix=fix)
