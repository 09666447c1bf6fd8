"""Fixtures for the tests of the SMTP and LMTP source."""

import contextlib
import logging
import sys
from collections.abc import Callable, Iterator

import pytest
import structlog

from tests.support.postfix import postfix  # noqa: F401 — a fixture
from tests.support.smtp import Client, Serving


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[dict[str, object]]]:
    """Catch what is logged from INFO on, as events with their facts."""
    quiet = structlog.make_filtering_bound_logger(logging.INFO)
    catcher = structlog.testing.LogCapture()
    structlog.configure(wrapper_class=quiet, processors=[catcher])
    yield catcher.entries
    structlog.reset_defaults()


@pytest.fixture(params=["uvloop", "asyncio"])
def any_loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run the test on uvloop and on the loop that Python brings."""
    if request.param == "asyncio":
        monkeypatch.setitem(sys.modules, "uvloop", None)
    return str(request.param)


@pytest.fixture
def serve() -> Iterator[Callable[..., Serving]]:
    """Start sources; each is stopped at the end and must have run cleanly."""
    with contextlib.ExitStack() as stack:

        def start(*listeners: object, **options: object) -> Serving:
            serving = Serving(*listeners, **options)
            stack.callback(serving.close)
            return serving

        yield start


@pytest.fixture
def connect() -> Iterator[Callable[..., Client]]:
    """Connect clients that are closed at the end."""
    with contextlib.ExitStack() as stack:

        def start(serving: Serving, listener: int = 0, **options: str) -> Client:
            return stack.enter_context(serving.client(listener, **options))

        yield start
