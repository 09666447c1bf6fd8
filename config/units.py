"""The small types of settings: durations, host names, listening points, addresses."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from chamado.config.spelling import UnusableAddress, canonical

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = ("bytes", "KB", "MB", "GB")
_HOST = re.compile(r"[A-Za-z0-9:]([A-Za-z0-9.:_-]{0,253}[A-Za-z0-9:])?", re.ASCII)
_LISTEN = re.compile(
    r"unix:/.+|fd:[A-Za-z0-9._-]+|(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):\d{1,5}",
    re.ASCII,
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


def no_duration(value: object) -> str:
    """Say that a value is no duration, and how one is written."""
    return f'{value!r} is no duration; write "90m", "24h", "30s" or "7d"'


def seconds(value: object) -> object:
    """Turn "24h", "90m" or "1h 30m" into seconds; numbers are seconds already.

    Numbers are what other code hands in; loading refuses them in a configuration.
    """
    if not isinstance(value, str):
        return value
    rest = _DURATION.sub("", value).strip()
    found = _DURATION.findall(value)
    if rest or not found:
        raise ValueError(no_duration(value))
    return sum(float(number) * _SECONDS[unit] for number, unit in found)


def duration(value: float) -> str:
    """Write seconds the way `seconds` reads them, in the largest unit that fits."""
    for unit in ("d", "h", "m"):
        if value and value % _SECONDS[unit] == 0:
            return f"{value / _SECONDS[unit]:.0f}{unit}"
    return f"{value:.12g}s"


def in_bytes(count: int) -> str:
    """Say a number of bytes in a unit that a person can compare."""
    amount, unit = float(count), 0
    while amount >= 1000 and unit < len(_BYTES) - 1:
        amount, unit = amount / 1000, unit + 1
    return (
        f"{amount:.0f} {_BYTES[unit]}" if unit < 2 else f"{amount:.1f} {_BYTES[unit]}"
    )


def host(value: str) -> str:
    """Refuse what is no host name: it would reach a resolver or a command line."""
    if not _HOST.fullmatch(value):
        raise ValueError(f"{value!r} is no host name or address")
    return value


def listen(value: str) -> str:
    """Accept host:port, unix:/path or fd:NAME (a socket passed by systemd)."""
    if not _LISTEN.fullmatch(value):
        raise ValueError(f"{value!r} is not host:port, unix:/path or fd:NAME")
    return value


def name(value: str) -> str:
    """Accept a plain word: it becomes part of keys, file names and metric labels."""
    if not _NAME.fullmatch(value):
        raise ValueError(f"{value!r} is no name of letters, digits, dots and dashes")
    return value


def mail_address(value: str) -> str:
    """Return the key of one plain addr-spec (RFC 5322 §3.4.1); refuse anything else."""
    try:
        return canonical(value)
    except UnusableAddress:
        wrong = f"{value!r} is no mail address like suporte@acme.example"
        raise ValueError(wrong) from None


Duration = Annotated[float, BeforeValidator(seconds)]
Host = Annotated[str, AfterValidator(host)]
Listen = Annotated[str, AfterValidator(listen)]
Name = Annotated[str, AfterValidator(name)]
