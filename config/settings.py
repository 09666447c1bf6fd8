"""Every setting there is: frozen values with their defaults and bounds.

The annotated `chamado.toml` beside this file is the manual for people; a test compares
it with the defaults here. Loading from files, environment and credentials is the
business of `config.load`, what several settings say together that of `config.checks`.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
)

from chamado.config.units import Duration, Host, Listen, Name, mail_address

MailAddress = Annotated[str, AfterValidator(mail_address)]
Language = Literal["pt-BR", "en", "es"]
TesseractLanguage = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z_]{1,30}$")]
RequireAuth = Literal["auto", "aligned", "partial", "none"]


class Section(BaseModel):
    """A table of the configuration: no unknown keys, no later change."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False
    )


class Service(Section):
    """Who answers, and where the data lies."""

    name: str = "Support"
    domain: str = "localhost"
    language: Language = "pt-BR"
    data_dir: Path = Path("var/chamado")
    timezone: str = "America/Sao_Paulo"
    templates: Path | None = None


class Database(Section):
    """Where tickets, inbox and outbox live; empty means SQLite in the data dir."""

    url: SecretStr | None = None
    url_file: Path | None = None


class Blobs(Section):
    """Where large mail and attachments live; empty means files in the data dir."""

    url: str = ""


class SupportAddress(Section):
    """An address customers write to."""

    address: MailAddress
    team: str = "support"
    aliases: tuple[MailAddress, ...] = ()
    subaddress: bool = False
    severity: Literal["critical", "high", "normal", "low"] = "normal"
    impact: Literal["high", "medium", "low"] = "medium"


class Listener(Section):
    """A door for SMTP or LMTP (RFC 5321, RFC 2033)."""

    protocol: Literal["smtp", "lmtp"] = "smtp"
    listen: Listen = "127.0.0.1:2525"
    trusted_authserv_ids: tuple[str, ...] = ()
    trusted_networks: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    max_connections: int = Field(default=50, ge=1)
    max_connections_per_address: int = Field(default=5, ge=1)
    connections_per_minute: int = Field(default=60, ge=0)
    idle_timeout: Duration = Field(default=60.0, gt=0)
    data_timeout: Duration = Field(default=600.0, gt=0)
    session_timeout: Duration = Field(default=1800.0, gt=0)
    bytes_per_second: int = Field(default=1024, ge=0)
    max_recipients: int = Field(default=100, ge=1)
    bare_newlines: Literal["auto", "reject", "normalize"] = "auto"
    verify: bool = False


class Mailbox(Section):
    """A mailbox to watch by IMAP (RFC 9051)."""

    name: Name
    address: MailAddress | None = None
    host: Host
    port: int = Field(default=993, ge=1, le=65535)
    tls: Literal["implicit", "starttls", "none"] = "implicit"
    ca_file: Path | None = None
    user: str
    password: SecretStr | None = None
    password_file: Path | None = None
    token_command: tuple[str, ...] = ()
    folder: str = "INBOX"
    after: str = "move:Processed"
    idle: bool = True
    poll_seconds: float = Field(default=60, gt=0)
    trusted_authserv_ids: tuple[str, ...] = ()


class Relay(Section):
    """Where outgoing mail goes: an SMTP relay, or a maildir for trying things out."""

    kind: Literal["smtp", "maildir"] = "maildir"
    path: Path | None = None
    host: Host = "127.0.0.1"
    port: int = Field(default=25, ge=1, le=65535)
    tls: Literal["none", "starttls", "implicit"] = "none"
    ca_file: Path | None = None
    user: str = ""
    password: SecretStr | None = None
    password_file: Path | None = None
    from_: str = Field(default="", alias="from")
    timeout: Duration = Field(default=60.0, gt=0)


class Ack(Section):
    """When an automatic acknowledgement may go out, and the caps that always hold."""

    enabled: bool = True
    require_auth: RequireAuth = "auto"
    per_address_pause: Duration = Field(default=3600.0, ge=0)
    per_address_day: int = Field(default=5, ge=0)
    per_domain_hour: int = Field(default=50, ge=0)
    per_hour: int = Field(default=200, ge=0)
    loop_burst: int = Field(default=6, ge=1)
    loop_day: int = Field(default=20, ge=1)
    loop_same_body: int = Field(default=3, ge=2)
    cool_down: Duration = Field(default=86400.0, ge=0)


class Sla(Section):
    """What is promised to a customer."""

    first_response: Duration = Field(default=86400.0, gt=0)
    first_response_target: Duration = Field(default=5400.0, gt=0)
    next_response: Duration = Field(default=86400.0, ge=0)
    resolution: Duration = Field(default=0.0, ge=0)
    warn_before: Duration = Field(default=3600.0, ge=0)
    hours: str = "24x7"
    holidays: str = ""
    extra_holidays: tuple[str, ...] = ()
    availability: float = Field(default=99.4, gt=0, le=100)
    reopen_within: Duration = Field(default=14 * 86400.0, ge=0)


class Promise(Section):
    """What is promised differently to some cases; the first that fits counts."""

    team: str = ""
    priority: Literal["", "p1", "p2", "p3", "p4"] = ""
    first_response: Duration | None = None
    next_response: Duration | None = None
    resolution: Duration | None = None
    hours: str | None = None


class Case(Section):
    """How a case lives on when nobody says anything."""

    thanks_reopen: bool = False
    reopens_a_day: int = Field(default=3, ge=1)
    remind_after: Duration = Field(default=3 * 86400.0, ge=0)
    reminders: int = Field(default=1, ge=0)
    give_up_after: Duration = Field(default=7 * 86400.0, ge=0)
    close_after: Duration = Field(default=14 * 86400.0, ge=0)


PriorityName = Literal["p1", "p2", "p3", "p4"]
PriorityRow = tuple[PriorityName, PriorityName, PriorityName]


class Priorities(Section):
    """Priority by severity (the rows) and impact high, medium, low (the columns)."""

    critical: PriorityRow = ("p1", "p1", "p2")
    high: PriorityRow = ("p1", "p2", "p3")
    normal: PriorityRow = ("p2", "p3", "p4")
    low: PriorityRow = ("p3", "p4", "p4")


class Triage(Section):
    """Words in subject or new text that tell how severe a case is at first sight."""

    critical: tuple[str, ...] = (
        "fora do ar",
        "sistema parado",
        "todos os usuários",
        "site is down",
    )
    high: tuple[str, ...] = ("urgente", "urgent", "não consigo trabalhar", "bloqueado")
    low: tuple[str, ...] = ("sugestão", "dúvida", "suggestion", "question", "duda")


class Rule(Section):
    """A rule on arrival: all conditions that are given must hold.

    Conditions are patterns with * and ?, without regard to case; `header` is
    "NAME: PATTERN". A rule that fits sets what it names, and later ones may add.
    """

    name: Name
    sender: str = ""
    recipient: str = ""
    subject: str = ""
    header: str = ""
    kind: str = ""
    larger_than: int = Field(default=0, ge=0)
    team: str = ""
    severity: Literal["", "critical", "high", "normal", "low"] = ""
    impact: Literal["", "high", "medium", "low"] = ""
    priority: Literal["", "p1", "p2", "p3", "p4"] = ""
    tags: tuple[str, ...] = ()
    assignee: str = ""
    suppress: bool = False


class Agents(Section):
    """How agents work by mail."""

    notify: bool = True
    by_mail: Literal["reply", "note", "off"] = "reply"
    show_address: bool = False
    gather: Duration = Field(default=60.0, ge=0)
    ack_forwarded: bool = False


class Survey(Section):
    """The question after a resolution."""

    enabled: bool = True
    delay: Duration = Field(default=86400.0, ge=0)
    cool_down: Duration = Field(default=30 * 86400.0, ge=0)
    expires: Duration = Field(default=28 * 86400.0, gt=0)
    low_score: int = Field(default=2, ge=0, le=5)
    base_url: str = ""


class Http(Section):
    """Health, metrics and survey pages; an empty `listen` turns them off."""

    listen: Listen | Literal[""] = "127.0.0.1:8025"


class Agent(Section):
    """Somebody who answers customers."""

    address: MailAddress
    name: str = ""
    teams: tuple[str, ...] = ()
    specialties: tuple[str, ...] = ()


class Limits(Section):
    """Bounds that keep one mail from harming the others (bytes, counts, seconds)."""

    message_bytes: int = Field(default=36_700_160, ge=1024)
    raw_in_row_bytes: int = Field(default=65_536, ge=0)
    disk_reserve_bytes: int = Field(default=268_435_456, ge=0)
    parsers: int = Field(default=2, ge=1, le=64)
    parse_bytes_at_once: int = Field(default=73_400_320, ge=1024)
    parse_cpu_seconds: int = Field(default=20, ge=1)
    parse_memory_bytes: int = Field(default=805_306_368, ge=134_217_728)
    parse_wall_seconds: float = Field(default=30, gt=0)
    attempts: int = Field(default=3, ge=1)
    batch: int = Field(default=50, ge=1, le=500)


class Ocr(Section):
    """Reading the words of screenshots with `tesseract`, where it is installed."""

    enabled: bool = False
    languages: tuple[TesseractLanguage, ...] = ("por", "eng", "spa")
    timeout: Duration = Field(default=30.0, gt=0, le=600)
    memory_bytes: int = Field(default=1_073_741_824, ge=134_217_728)


class Log(Section):
    """What is written about what happens; never bodies, never secrets."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "human", "journal", "json"] = "auto"


class Settings(Section):
    """The whole configuration."""

    service: Service = Service()
    database: Database = Database()
    blobs: Blobs = Blobs()
    address: tuple[SupportAddress, ...] = ()
    listener: tuple[Listener, ...] = ()
    mailbox: tuple[Mailbox, ...] = ()
    relay: Relay = Relay()
    ack: Ack = Ack()
    sla: Sla = Sla()
    promise: tuple[Promise, ...] = ()
    case: Case = Case()
    priority: Priorities = Priorities()
    triage: Triage = Triage()
    rule: tuple[Rule, ...] = ()
    survey: Survey = Survey()
    http: Http = Http()
    agents: Agents = Agents()
    agent: tuple[Agent, ...] = ()
    limits: Limits = Limits()
    ocr: Ocr = Ocr()
    log: Log = Log()
