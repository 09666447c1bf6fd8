"""Times on the command line: RFC 3339 with a zone, and nothing else."""

from datetime import UTC, datetime

import click
import pytest

from chamado.daemon.cli.options import time_of


def test_a_time_is_read_in_its_zone() -> None:
    """What was said on the clock of São Paulo is kept in UTC."""
    read = time_of("2026-11-20T09:30:00-03:00", "--since")
    assert read == datetime(2026, 11, 20, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["yesterday", "2026-11-20T09:30:00", "9999-12-31T23:59:00-23:00"]
)
def test_what_is_no_moment_is_a_mistake_of_usage(text: str) -> None:
    """Words, times without a zone, and times after the end of UTC's calendar."""
    with pytest.raises(click.BadParameter, match="is no time like"):
        time_of(text, "--since")
