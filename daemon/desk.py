"""What the settings mean for the work on messages, gathered once at start.

A reload makes a new desk; nobody changes one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from chamado.config import derive
from chamado.config.settings import Settings, SupportAddress
from chamado.daemon.core.answers import Caps
from chamado.daemon.core.decide import Policy
from chamado.daemon.core.loops import LoopLimits
from chamado.daemon.core.tokens import Keyring
from chamado.notifier.types import Letter, Notification
from chamado.parsers.types import Auth, Own, ParsedMessage

#: The languages that letters are written in, by the language a message is in.
LETTER_LANGUAGES = {"pt": "pt-BR", "en": "en", "es": "es"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Everything that filing a message needs besides the message and the database."""

    settings: Settings
    keyring: Keyring
    instance: str
    compose: Callable[[Notification], Letter]
    clock: Callable[[], datetime]

    @property
    def own(self) -> Own:
        """Who we are, for the rules that look for ourselves."""
        return Own(
            addresses=derive.own_addresses(self.settings),
            domain=self.settings.service.domain,
            instance=self.instance,
        )

    @property
    def policy(self) -> Policy:
        """The settings that decisions depend on."""
        ack = self.settings.ack
        agents = {agent.address for agent in self.settings.agent}
        return Policy(
            own=derive.own_addresses(self.settings) | agents,
            caps=Caps(
                per_address_day=ack.per_address_day,
                per_domain_hour=ack.per_domain_hour,
                per_hour=ack.per_hour,
            ),
            loops=LoopLimits(
                burst=ack.loop_burst, day=ack.loop_day, same_body=ack.loop_same_body
            ),
            reopen_within=timedelta(seconds=self.settings.sla.reopen_within),
            ack_enabled=ack.enabled,
        )

    def trusted(self, source: str) -> tuple[str, ...]:
        """Whose Authentication-Results count on mail from this source."""
        return derive.trusted_authserv_ids(self.settings, source)

    def require_auth(self, source: str) -> Auth:
        """What this source demands of a sender before he is acknowledged."""
        demanded = self.settings.ack.require_auth
        if demanded == "auto":
            return Auth.ALIGNED if self.trusted(source) else Auth.NONE
        return Auth(demanded)

    def support(self, recipients: tuple[str, ...]) -> SupportAddress:
        """The support address that a message reached."""
        return derive.support_address_for(self.settings, recipients)

    def names_us(self, message: ParsedMessage, rcpt_tos: tuple[str, ...]) -> bool:
        """Whether the message names us as a recipient (RFC 3834 §2)."""
        known = derive.known_recipient(self.settings)
        if any(known(a.address) for a in (*message.to, *message.cc)):
            return True
        aliases = {a for s in self.settings.address for a in s.aliases}
        return any(recipient.lower() in aliases for recipient in rcpt_tos)

    def letter_language(self, *wishes: str | None) -> str:
        """The first wish that we can write in, else the service's language."""
        for wish in wishes:
            found = LETTER_LANGUAGES.get((wish or "").lower().partition("-")[0])
            if found:
                return found
        return self.settings.service.language

    def first_response_due(self, opened_at: datetime) -> datetime:
        """When the promised first answer is due."""
        return opened_at + timedelta(seconds=self.settings.sla.first_response)
