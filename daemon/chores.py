"""What has to be done from time to time, whether mail comes in or not."""

from collections.abc import Callable

import structlog

from chamado.daemon import agents, gauges, lifecycle, metrics, parts
from chamado.daemon.alarms import Alarms
from chamado.daemon.clock import Tick
from chamado.daemon.desk import Desk
from chamado.daemon.store.engine import Store, StoreError, Work, trouble
from chamado.daemon.surveys import Surveys

log = structlog.get_logger()

TICK_SECONDS = 15.0
NOTICE_SECONDS = 5.0


class Chores:
    """The standing work on a store; whoever queues a letter pokes the relay."""

    def __init__(
        self,
        store: Store,
        desk: Callable[[], Desk],
        surveys: Surveys,
        poke_relay: Callable[[], None],
    ) -> None:
        self._store = store
        self._desk = desk
        self._surveys = surveys
        self._poke_relay = poke_relay
        self._away = False

    def ticks(self) -> list[Tick]:
        """Name every chore, and how often it is due."""
        alarms = Alarms(
            self._store,
            parts.utc_now,
            lambda: self._desk().promises,
            [_warn_agents],
        )
        return [
            Tick(name="deadlines", seconds=TICK_SECONDS, ask=alarms.turn),
            Tick(name="gauges", seconds=TICK_SECONDS, ask=self.show_gauges),
            Tick(name="lifecycle", seconds=TICK_SECONDS, ask=self._age_cases),
            Tick(name="surveys", seconds=TICK_SECONDS, ask=self._surveys.send_due),
            Tick(name="notices", seconds=NOTICE_SECONDS, ask=self._tell_agents),
        ]

    def show_gauges(self) -> None:
        """Bring up to date what is read off the database; also asked for by HTTP.

        A database that does not answer is a gauge too: alarms must not fall silent
        when it is away.
        """
        try:
            gauges.refresh(self._store, parts.utc_now())
        except StoreError as error:
            metrics.DATABASE_UP.set(0)
            if not self._away:
                log.error("database_away", error=trouble(error))
            self._away = True
            return
        if self._away:
            log.info("database_back")
        self._away = False

    def _age_cases(self) -> None:
        """Remind who owes us an answer, give up, close what rests."""
        if lifecycle.tick(self._store, self._desk()).letters:
            self._poke_relay()

    def _tell_agents(self) -> None:
        """Queue the mails that agents are waiting for."""
        with self._store.write() as work:
            told = agents.tell(work, self._desk(), parts.utc_now())
        if told:
            self._poke_relay()


def _warn_agents(work: Work, ticket: int, promise: str, what: str) -> None:
    """Let agents hear of a promise that is about to be broken, or is."""
    agents.on_due(work, ticket, promise, what, parts.utc_now())
