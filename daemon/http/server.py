"""Health and metrics over HTTP, on an event loop of its own.

Answers say nothing a stranger could use: no versions, no host names, no counts on the
health pages. What they ask is handed in; nothing here knows the database.
"""

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from chamado.daemon import metrics
from chamado.daemon.http.patience import PatientProtocol

#: How long the database may take for the gauges: Prometheus itself waits ten seconds.
REFRESH_SECONDS = 5.0


class HttpServer:
    """The job `http`: `/livez`, `/readyz`, `/metrics` on sockets that are bound.

    `alive` and `ready` answer with what is wrong, or nothing; `refresh` brings the
    gauges up to date before they are read. `pages` are routes for customers.
    """

    def __init__(
        self,
        sockets: Sequence[socket.socket],
        *,
        alive: Callable[[], str | None],
        ready: Callable[[], str | None],
        refresh: Callable[[], None],
        pages: Sequence[Route] = (),
    ) -> None:
        self._sockets = sockets
        self._alive = alive
        self._ready = ready
        self._refresh = refresh
        self._pages = pages
        self._refreshing: asyncio.Task[None] | None = None

    def run(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Serve until `stop`."""
        with asyncio.Runner() as runner:
            runner.run(self._serve(stop, beat))

    async def _serve(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        config = uvicorn.Config(
            self._app(),
            http=PatientProtocol,
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            ws="none",
            lifespan="off",
            timeout_keep_alive=5,
            limit_concurrency=200,
            h11_max_incomplete_event_size=16_384,
            timeout_graceful_shutdown=5,
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=list(self._sockets)))
        while not stop.is_set() and not serving.done():
            beat()
            await asyncio.sleep(0.2)
        server.should_exit = True
        await serving

    def _app(self) -> Starlette:
        app = Starlette(
            routes=[
                Route("/livez", self._livez),
                Route("/readyz", self._readyz),
                Route("/metrics", self._metrics),
                *self._pages,
            ]
        )
        # A redirect would be built from the Host header, which is anybody's text.
        app.router.redirect_slashes = False
        return app

    async def _livez(self, _request: Request) -> Response:
        return _verdict(self._alive())

    async def _readyz(self, _request: Request) -> Response:
        return _verdict(await run_in_threadpool(self._ready))

    async def _metrics(self, _request: Request) -> Response:
        """Show what this process knows, whatever the database does meanwhile."""
        if self._refreshing is None or self._refreshing.done():
            self._refreshing = asyncio.create_task(run_in_threadpool(self._refresh))
        done, _ = await asyncio.wait({self._refreshing}, timeout=REFRESH_SECONDS)
        if not done:
            metrics.DATABASE_UP.set(0)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


class _Server(uvicorn.Server):
    """Leaves signals to the supervisor, where uvicorn would take them."""

    def capture_signals(self):  # type: ignore[no-untyped-def]  # as upstream's
        """Capture nothing."""
        from contextlib import nullcontext

        return nullcontext()


def _verdict(wrong: str | None) -> Response:
    return PlainTextResponse(
        "ok\n" if wrong is None else f"{wrong}\n", 200 if wrong is None else 503
    )
