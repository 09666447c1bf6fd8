"""Where a database is, for those who must not connect to it or hand it to a program."""

from pathlib import Path

from sqlalchemy.engine import make_url


def sqlite_file(url: str) -> Path | None:
    """Return the file of SQLite; None for PostgreSQL."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return None
    return Path(parsed.database)


def libpq(url: str) -> tuple[str, str | None]:
    """Return the URL as PostgreSQL's own programs read it, and the password apart.

    Command lines can be read by every user of a machine, so the password must go by
    the environment.
    """
    parsed = make_url(url)
    password = parsed.password
    plain = parsed.set(drivername="postgresql", password=None)
    return plain.render_as_string(), None if password is None else str(password)


def shown(url: str) -> str:
    """Return the URL with its password masked."""
    return make_url(url).render_as_string(hide_password=True)
