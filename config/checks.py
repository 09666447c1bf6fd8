"""What no single setting can know: rules across settings.

Works on values alone. Whether secrets can be read is a question for the machine and
for the moment, asked by `chamado.config.files`.
"""

import fnmatch
import ipaddress
import re
import zoneinfo
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from chamado.config import holidays, urls, verifying
from chamado.config.address import shown_address
from chamado.config.hours import open_seconds, parse_hours
from chamado.config.problems import Problem
from chamado.config.settings import Mailbox, Promise, Relay, Settings, Sla
from chamado.config.spelling import identity

_AFTER = re.compile(r"move:.+|flag:[^\s\\(){%*\"\]]+|seen|keep")
_DOMAIN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
#: Longer nobody can mean to let a customer wait.
WEEKS_A_YEAR = 52
Check = Callable[[Settings], Iterator[Problem]]


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address can only be this machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def listening_host(listen: str) -> str:
    """Return the host of host:port; this machine for a Unix or a passed socket."""
    if listen.startswith(("unix:", "fd:")):
        return "localhost"
    return listen.rpartition(":")[0]


def _twice(settings: Settings) -> Iterator[Problem]:
    """A name given twice would make look-ups depend on the order of the file."""
    lists = (
        ("address", "address", [a.address for a in settings.address]),
        ("mailbox", "name", [m.name for m in settings.mailbox]),
        ("agent", "address", [a.address for a in settings.agent]),
        ("rule", "name", [r.name for r in settings.rule]),
    )
    for table, key, names in lists:
        for number, name in enumerate(names):
            if name in names[:number]:
                yield Problem(
                    key=f"{table}.{number}.{key}",
                    message=f"{name} is given twice",
                    hint=f"the first is [[{table}]] number {names.index(name)}",
                )


def _aliases(settings: Settings) -> Iterator[Problem]:
    """Mail to an address that two entries claim would go to either team."""
    owners: dict[str, int] = {}
    for number, support in enumerate(settings.address):
        owners.setdefault(support.address, number)
    for number, support in enumerate(settings.address):
        for alias in support.aliases:
            owner = owners.setdefault(alias, number)
            key = f"address.{number}.aliases"
            if alias == support.address:
                hint = "leave it out"
                message = f"{alias} is the address itself"
                yield Problem(key=key, message=message, hint=hint)
            elif owner != number:
                hint = f"keep it here or in [[address]] number {owner}"
                message = f"{alias} is given twice"
                yield Problem(key=key, message=message, hint=hint)


def _listening(settings: Settings) -> Iterator[Problem]:
    places = [
        (f"listener.{n}.listen", x.listen) for n, x in enumerate(settings.listener)
    ]
    seen: dict[str, str] = {}
    for key, listen in (*places, ("http.listen", settings.http.listen)):
        port = "" if listen.startswith("unix:") else listen.rpartition(":")[2]
        if not listen.startswith(("unix:", "fd:")) and port and int(port) > 65535:
            yield Problem(key=key, message=f"there is no port {port}")
        # Port 0 asks the system for any free port, and each time for another one.
        elif listen and port != "0" and seen.setdefault(listen, key) != key:
            yield Problem(key=key, message=f"{listen} is taken by {seen[listen]}")


def _encryption(settings: Settings) -> Iterator[Problem]:
    ends: list[tuple[str, Mailbox | Relay]]
    ends = [(f"mailbox.{n}", m) for n, m in enumerate(settings.mailbox)]
    if settings.relay.kind == "smtp":
        ends.append(("relay", settings.relay))
    for name, end in ends:
        if end.tls == "none" and not is_loopback(end.host):
            yield Problem(
                key=f"{name}.tls",
                message=f"none would send everything to {end.host} in the clear",
                hint="use implicit or starttls; none is for this machine only",
            )
    for number, listener in enumerate(settings.listener):
        if (listener.tls_certificate is None) != (listener.tls_key is None):
            key = "tls_key" if listener.tls_key is None else "tls_certificate"
            yield Problem(
                key=f"listener.{number}.{key}",
                message="a certificate and its key are needed together",
            )


def _ways(settings: Settings) -> Iterator[Problem]:
    relay, database = settings.relay, settings.database
    ways: list[tuple[str, list[object]]] = [
        (f"mailbox.{n}.password", [m.password, m.password_file, m.token_command])
        for n, m in enumerate(settings.mailbox)
    ]
    ways.append(("relay.password", [relay.password, relay.password_file]))
    ways.append(("database.url", [database.url, database.url_file]))
    for key, given in ways:
        if sum(bool(way) for way in given) > 1:
            hint = "keep exactly one of them, best the file"
            yield Problem(key=key, message="is given in several ways", hint=hint)
    if relay.user and not (relay.password or relay.password_file):
        yield Problem(key="relay.user", message="has no password or password_file")
    if relay.user and relay.tls == "none" and not is_loopback(relay.host):
        yield Problem(key="relay.user", message="a password needs tls")


def _after(settings: Settings) -> Iterator[Problem]:
    for number, mailbox in enumerate(settings.mailbox):
        key = f"mailbox.{number}.after"
        if not _AFTER.fullmatch(mailbox.after):
            hint = "write move:FOLDER, flag:KEYWORD, seen or keep"
            yield Problem(key=key, message=f"{mailbox.after!r} is unknown", hint=hint)
        elif mailbox.after == f"move:{mailbox.folder}":
            yield Problem(key=key, message="moves mail to the folder it is read from")


def _addresses(settings: Settings) -> Iterator[Problem]:
    if settings.relay.from_:
        try:
            shown_address(settings.relay.from_)
        except ValueError as mistake:
            hint = 'write it like "Acme Suporte <suporte@acme.example>"'
            yield Problem(key="relay.from", message=str(mistake), hint=hint)
    ours = {a for s in settings.address for a in (s.address, *s.aliases)}
    for number, mailbox in enumerate(settings.mailbox):
        if mailbox.address and mailbox.address not in ours:
            yield Problem(
                key=f"mailbox.{number}.address",
                message=f"{mailbox.address} is no [[address]] of ours",
                hint="add it as an [[address]], or as an alias of one",
            )
    for number, agent in enumerate(settings.agent):
        if agent.address in ours:
            yield Problem(
                key=f"agent.{number}.address",
                message=f"{agent.address} is an address customers write to",
                hint="an agent needs an address of their own, or mail goes in circles",
            )


def _service(settings: Settings) -> Iterator[Problem]:
    if not _DOMAIN.fullmatch(settings.service.domain):
        yield Problem(key="service.domain", message="is no domain name")
    try:
        zoneinfo.ZoneInfo(settings.service.timezone)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        hint = "write a name of the IANA database like America/Sao_Paulo"
        yield Problem(key="service.timezone", message="is no time zone", hint=hint)


def _survey(settings: Settings) -> Iterator[Problem]:
    base = settings.survey.base_url
    if base and not (re.match("https?://", base) and urlsplit(base).hostname):
        hint = "write it like https://support.acme.example"
        yield Problem(key="survey.base_url", message="is no web address", hint=hint)
    elif "?" in base or "#" in base:
        # What we append, the way to the survey's page, would belong to it.
        hint = "leave out everything from the first ? or # on"
        message = "has a query or a fragment, and no link to a survey would work"
        yield Problem(key="survey.base_url", message=message, hint=hint)


def _promises(settings: Settings) -> Iterator[Problem]:
    """Opening hours and holidays that can be read, and promises that end one day."""
    sla = settings.sla
    if wrong := holidays.problem(sla.holidays, sla.extra_holidays):
        yield wrong
    places = [("sla", sla.hours, _named(sla))]
    for number, promise in enumerate(settings.promise):
        key = f"promise.{number}"
        hours = sla.hours if promise.hours is None else promise.hours
        places.append((key, hours, _named(promise)))
        if promise.first_response == 0:
            hint = "leave it out, and it is as in [sla]"
            message = "somebody has to answer one day"
            yield Problem(key=f"{key}.first_response", message=message, hint=hint)
    for key, hours, promised in places:
        try:
            week = open_seconds(parse_hours(hours))
        except ValueError as mistake:
            hint = 'write "24x7" or like "mon-fri 09:00-18:00"'
            yield Problem(key=f"{key}.hours", message=str(mistake), hint=hint)
            continue
        for name, seconds in promised:
            if seconds > WEEKS_A_YEAR * week:
                message = "takes longer than a year in these opening hours"
                yield Problem(key=f"{key}.{name}", message=message)


def _named(owner: Sla | Promise) -> list[tuple[str, float]]:
    names = ("first_response", "next_response", "resolution")
    return [(name, getattr(owner, name) or 0.0) for name in names]


#: What wrote a message, as a rule may ask for it: the kinds of `chamado parse`.
_KINDS = (
    "person",
    "auto_reply",
    "out_of_office",
    "bounce",
    "delivery_notice",
    "feedback_report",
    "mailing_list",
    "loop",
)
_CONDITIONS = ("sender", "recipient", "subject", "header", "kind", "larger_than")


def _rules(settings: Settings) -> Iterator[Problem]:
    """A rule that can never fit, or always does, is a mistake that nobody notices."""
    agents = {agent.address for agent in settings.agent}
    for number, rule in enumerate(settings.rule):
        key = f"rule.{number}"
        if rule.suppress and not any(getattr(rule, name) for name in _CONDITIONS):
            hint = "give it a condition; as it is, no mail would ever open a case"
            message = "suppresses everything"
            yield Problem(key=f"{key}.suppress", message=message, hint=hint)
        if rule.header and not re.fullmatch(r"[^\s:]+\s*:.*", rule.header):
            hint = 'write "NAME: PATTERN", like "X-Env: prod*"'
            yield Problem(key=f"{key}.header", message="names no header", hint=hint)
        if rule.kind and not fnmatch.filter(_KINDS, rule.kind.lower()):
            hint = f"there are: {', '.join(_KINDS)}"
            message = f"{rule.kind!r} fits no kind"
            yield Problem(key=f"{key}.kind", message=message, hint=hint)
        if rule.assignee and agents and identity(rule.assignee) not in agents:
            hint = f"there are: {', '.join(sorted(agents))}"
            message = f"{rule.assignee} is no [[agent]]"
            yield Problem(key=f"{key}.assignee", message=message, hint=hint)


CHECKS: tuple[Check, ...] = (
    _twice,
    _aliases,
    _listening,
    _encryption,
    _ways,
    _after,
    _addresses,
    _service,
    _rules,
    _promises,
    _survey,
    urls.problems,
    verifying.problems,
)


def errors(settings: Settings) -> tuple[Problem, ...]:
    """Return every contradiction between settings; nothing may start with one."""
    return tuple(problem for check in CHECKS for problem in check(settings))
