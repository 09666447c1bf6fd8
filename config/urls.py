"""Where the data lie: whether a URL of the configuration can lead there at all.

No library that connects is asked, and no word of a URL is repeated: what looks like a
host or a port may be the end of a password.
"""

import re
from collections.abc import Iterator
from importlib.util import find_spec

from chamado.config.problems import Problem
from chamado.config.settings import Settings

_DATABASE = re.compile(r"(sqlite:///|postgresql(\+psycopg)?://).")
_BLOBS = re.compile("(file:///|s3://.)")
# Read as the database's library reads it: the first @ ends the password.
_AUTHORITY = re.compile(
    r"[^:/]+://(?P<login>(?:[^:/]*(?P<password>:[^@]*)?@)?)"
    r"(?:\[[^/?]+\]|[^/:?]*)(?::(?P<port>[^/?]*))?"
)
_VALUES = re.compile(r"=[^&]*")


def problems(settings: Settings) -> Iterator[Problem]:
    """Say what cannot work in the URLs of the database and of the blob store."""
    url = settings.database.url
    if url is not None and (wrong := database_problem(url.get_secret_value())):
        yield wrong
    if not settings.blobs.url:
        return
    if not _BLOBS.match(settings.blobs.url):
        hint = "write file:///absolute/path or s3://bucket/prefix"
        yield Problem(key="blobs.url", message="is no place for blobs", hint=hint)
    elif settings.blobs.url.startswith("s3:") and find_spec("obstore") is None:
        message = "needs obstore, which is not installed"
        yield Problem(key="blobs.url", message=message, hint=_install("s3"))


def database_problem(url: str) -> Problem | None:
    """Return what is wrong with the URL of a database, without a word of it."""
    key = "database.url"
    if not _DATABASE.match(url):
        hint = "write sqlite:////absolute/path or postgresql://…"
        return Problem(key=key, message="is no database", hint=hint)
    if url.startswith("sqlite:"):
        return None
    if message := _misread(url):
        hint = "in a user name or a password write %40 for @, %3A for : and %2F for /"
        return Problem(key=key, message=message, hint=hint)
    if find_spec("psycopg") is None:
        message = "needs psycopg, which is not installed"
        return Problem(key=key, message=message, hint=_install("postgres"))
    return None


def _misread(url: str) -> str:
    read = _AUTHORITY.match(url)
    if read is None:
        return "is no database"
    port = read["port"] or ""
    place, _, query = url[read.end("login") :].partition("?")
    if read["password"] and "@" in place + _VALUES.sub("", query):
        return "holds one @ more than it can"
    if port and not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
        return "names a port that is no number from 1 to 65535"
    return ""


def _install(extra: str) -> str:
    return f"pip install 'chamado[{extra}]'"
