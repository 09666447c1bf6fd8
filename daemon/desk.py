"""What the settings mean for the work on messages, gathered once at start.

A reload makes a new desk; nobody changes one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from chamado.config import derive
from chamado.config.address import Address
from chamado.config.holidays import calendar_of
from chamado.config.settings import Settings, SupportAddress
from chamado.config.spelling import identity
from chamado.daemon.core.answers import Caps
from chamado.daemon.core.arrival import Arrival, arrival_of
from chamado.daemon.core.decide import AgentFacts, Policy
from chamado.daemon.core.loops import LoopLimits
from chamado.daemon.core.promises import Promises, promises_of
from chamado.daemon.core.tokens import Keyring
from chamado.daemon.core.types import Priority
from chamado.daemon.core.waking import WakePolicy
from chamado.notifier.types import Letter, Notification
from chamado.parsers.types import Auth, Own, ParsedMessage

#: The languages that letters are written in, by the language a message is in.
LETTER_LANGUAGES = {"pt": "pt-BR", "en": "en", "es": "es"}


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Everything that filing a message needs besides the message and the database.

    `fetch` returns the bytes of a blob by its SHA-256. It has no slots, unlike other
    values, since what follows from the settings is worked out once and kept.
    """

    settings: Settings
    keyring: Keyring
    instance: str
    compose: Callable[[Notification], Letter]
    clock: Callable[[], datetime]
    fetch: Callable[[str], bytes]

    @cached_property
    def own(self) -> Own:
        """Who we are, for the rules that look for ourselves."""
        return Own(
            addresses=derive.own_addresses(self.settings),
            domain=self.settings.service.domain,
            instance=self.instance,
        )

    @cached_property
    def policy(self) -> Policy:
        """The settings that decisions depend on."""
        ack = self.settings.ack
        agents = {
            agent.address: AgentFacts(name=agent.name, teams=agent.teams)
            for agent in self.settings.agent
        }
        return Policy(
            own=derive.own_addresses(self.settings) | agents.keys(),
            agents=agents,
            by_mail=self.settings.agents.by_mail,
            caps=Caps(
                per_address_day=ack.per_address_day,
                per_domain_hour=ack.per_domain_hour,
                per_hour=ack.per_hour,
            ),
            loops=LoopLimits(
                burst=ack.loop_burst, day=ack.loop_day, same_body=ack.loop_same_body
            ),
            wake=WakePolicy(
                reopen_within=timedelta(seconds=self.settings.sla.reopen_within),
                reopens_a_day=self.settings.case.reopens_a_day,
                thanks_reopen=self.settings.case.thanks_reopen,
                names=tuple(a.name for a in self.settings.agent),
            ),
            ack_enabled=ack.enabled,
            ack_forwarded=self.settings.agents.ack_forwarded,
        )

    @cached_property
    def arrival(self) -> Arrival:
        """The rules, words and matrix that a new case is judged by."""
        return arrival_of(self.settings)

    @cached_property
    def sender(self) -> Address:
        """Who signs automatic mail."""
        return derive.relay_from(self.settings)

    def trusted(self, source: str) -> tuple[str, ...]:
        """Whose Authentication-Results count on mail from this source."""
        return derive.trusted_authserv_ids(self.settings, source)

    def verifies(self, source: str) -> bool:
        """Whether we find out ourselves who wrote what comes from this source."""
        return derive.verifies(self.settings, source)

    def require_auth(self, source: str) -> Auth:
        """What this source demands of a sender before he is acknowledged."""
        demanded = self.settings.ack.require_auth
        if demanded == "auto":
            can_tell = self.trusted(source) or self.verifies(source)
            return Auth.ALIGNED if can_tell else Auth.NONE
        return Auth(demanded)

    def support(self, recipients: tuple[str, ...]) -> SupportAddress:
        """The support address that a message reached."""
        return derive.support_address_for(self.settings, recipients)

    def is_ours(self, address: str) -> bool:
        """Whether mail to this address comes to us."""
        return derive.known_recipient(self.settings)(address)

    def names_us(self, message: ParsedMessage, rcpt_tos: tuple[str, ...]) -> bool:
        """Whether the message names us as a recipient (RFC 3834 §2)."""
        if any(self.is_ours(a.address) for a in (*message.to, *message.cc)):
            return True
        aliases = {a for s in self.settings.address for a in s.aliases}
        return any(identity(recipient) in aliases for recipient in rcpt_tos)

    def letter_language(self, *wishes: str | None) -> str:
        """The first wish that we can write in, else the service's language."""
        for wish in wishes:
            found = LETTER_LANGUAGES.get((wish or "").lower().partition("-")[0])
            if found:
                return found
        return self.settings.service.language

    @cached_property
    def promises(self) -> Promises:
        """What is promised to whom."""
        settings = self.settings
        is_holiday = calendar_of(settings.sla.holidays, settings.sla.extra_holidays)
        zone = settings.service.timezone
        return promises_of(settings.sla, settings.promise, zone, is_holiday)

    def first_response_due(
        self, opened_at: datetime, *, team: str, priority: Priority
    ) -> datetime:
        """When the promised first answer is due."""
        return self.promises.first_response_due(opened_at, team, priority)
