"""What works but is probably not meant: warnings across settings, in words.

Works on values alone, and nothing here keeps a daemon from starting.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from urllib.parse import urlsplit

from chamado.config import derive
from chamado.config.checks import Check, is_loopback, listening_host
from chamado.config.problems import Problem
from chamado.config.settings import Listener, Mailbox, Promise, Settings

_PLAIN_ADDRESS = re.compile(r"[^@\s*?\[\]]+@[^@\s*?\[\]]+")


def _sources(settings: Settings) -> Iterator[tuple[str, str, Listener | Mailbox]]:
    for number, listener in enumerate(settings.listener):
        name = f"{listener.protocol}:{listener.listen}"
        yield f"listener.{number}.trusted_authserv_ids", name, listener
    for number, mailbox in enumerate(settings.mailbox):
        name = f"imap:{mailbox.name}"
        yield f"mailbox.{number}.trusted_authserv_ids", name, mailbox


def _cannot_tell(settings: Settings) -> Iterator[Problem]:
    """The contract of require_auth: what a source that cannot tell means, in words."""
    wanted = settings.ack.require_auth
    if wanted == "none" or not settings.ack.enabled:
        return
    means = (
        "everybody is acknowledged, and only the caps of [ack] protect bystanders"
        if wanted == "auto"
        else f"nobody is acknowledged, because [ack] require_auth is {wanted}"
    )
    for key, name, source in _sources(settings):
        if not source.trusted_authserv_ids and not getattr(source, "verify", False):
            yield Problem(
                key=key,
                message=f"{name} cannot tell who really wrote: {means}",
                hint="name the server whose Authentication-Results can be trusted",
            )


def _nothing_to_do(settings: Settings) -> Iterator[Problem]:
    if not settings.address:
        hint = "add [[address]] with the address customers write to"
        yield Problem(key="address", message="no recipient is accepted", hint=hint)
    if not (settings.listener or settings.mailbox):
        hint = "add [[listener]] or [[mailbox]]"
        yield Problem(key="listener", message="nothing takes mail in", hint=hint)


def _not_yet_real(settings: Settings) -> Iterator[Problem]:
    if settings.service.data_dir.is_relative_to("/etc"):
        hint = 'set data_dir, for a service best to "/var/lib/chamado"'
        yield Problem(key="service.data_dir", message="lies in /etc", hint=hint)
    if settings.relay.kind == "smtp" and settings.service.domain == "localhost":
        hint = "set the domain our Message-IDs shall carry"
        yield Problem(key="service.domain", message="is localhost", hint=hint)
    if settings.survey.base_url.startswith("http://") and not is_loopback(
        urlsplit(settings.survey.base_url).hostname or ""
    ):
        yield Problem(key="survey.base_url", message="votes travel in the clear")
    url = settings.database.url
    if url and re.match(r"sqlite:///[^/]", url.get_secret_value()):
        hint = "write sqlite:////absolute/path with four slashes"
        message = "depends on the folder in which the command is started"
        yield Problem(key="database.url", message=message, hint=hint)


def _open_doors(settings: Settings) -> Iterator[Problem]:
    if not is_loopback(listening_host(settings.http.listen or "localhost:0")):
        hint = "put a reverse proxy with TLS in front, and listen on 127.0.0.1"
        yield Problem(
            key="http.listen", message="metrics are open to the network", hint=hint
        )
    for number, door in enumerate(settings.listener):
        if not (door.tls_certificate or is_loopback(listening_host(door.listen))):
            yield Problem(
                key=f"listener.{number}.tls_certificate",
                message=f"{door.listen} takes mail from the network without TLS",
                hint="set tls_certificate and tls_key",
            )


def _doubtful_promises(settings: Settings) -> Iterator[Problem]:
    sla, seen = settings.sla, list[Promise]()
    if sla.first_response_target > sla.first_response:
        message = "aims at less than what is promised"
        yield Problem(key="sla.first_response_target", message=message)
    teams = {support.team for support in settings.address}
    teams |= {rule.team for rule in settings.rule}
    staffed = {team for agent in settings.agent for team in agent.teams}
    for number, promise in enumerate(settings.promise):
        key = f"promise.{number}"
        if promise.team in staffed - teams:
            message = f"no [[address]] and no [[rule]] leads to {promise.team}"
            yield Problem(key=f"{key}.team", message=message)
        for place, other in enumerate(seen):
            covers = other.team in ("", promise.team)
            if covers and other.priority in ("", promise.priority):
                hint = "the first that fits counts: put what is special before"
                message = f"never counts, because number {place} fits before it"
                yield Problem(key=key, message=message, hint=hint)
                break
        seen.append(promise)


def _named_by_nobody(settings: Settings) -> Iterator[Problem]:
    """Names that were mistyped: what they stand for happens to no mail, silently."""
    named = {support.team for support in derive.support_addresses(settings)}
    named |= {team for agent in settings.agent for team in agent.teams}
    teams = [
        *((f"promise.{n}.team", p.team) for n, p in enumerate(settings.promise)),
        *((f"rule.{n}.team", r.team) for n, r in enumerate(settings.rule)),
    ]
    for key, team in teams:
        if team and team not in named:
            hint = f"there are: {', '.join(sorted(named))}"
            message = f"no [[address]] and no [[agent]] names the team {team}"
            yield Problem(key=key, message=message, hint=hint)
    ours = derive.known_recipient(settings)
    for number, rule in enumerate(settings.rule):
        wanted = rule.recipient
        # Anything else may be a pattern for what is ours.
        if settings.address and _PLAIN_ADDRESS.fullmatch(wanted) and not ours(wanted):
            message = f"no mail is ever taken for {wanted}"
            hint = "add it as an [[address]], or as an alias of one"
            yield Problem(key=f"rule.{number}.recipient", message=message, hint=hint)


def _odd_priorities(settings: Settings) -> Iterator[Problem]:
    """More severe or more impact never means later: else customers learn to cry."""
    rows = [
        (name, getattr(settings.priority, name))
        for name in ("critical", "high", "normal", "low")
    ]
    for name, row in rows:
        if list(row) != sorted(row):
            message = "a smaller impact is more urgent than a larger one"
            yield Problem(key=f"priority.{name}", message=message)
    for (_, above), (name, below) in pairwise(rows):
        if any(more > less for more, less in zip(above, below, strict=True)):
            message = "is more urgent than what is more severe"
            yield Problem(key=f"priority.{name}", message=message)


WARNINGS: tuple[Check, ...] = (
    _cannot_tell,
    _nothing_to_do,
    _not_yet_real,
    _open_doors,
    _doubtful_promises,
    _named_by_nobody,
    _odd_priorities,
)


def warnings(settings: Settings) -> tuple[Problem, ...]:
    """Return what works but is probably not meant, in words for an operator."""
    return tuple(problem for check in WARNINGS for problem in check(settings))
