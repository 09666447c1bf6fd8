"""The tables. Invariants are constraints here first, and code only second.

Three unique keys carry the promise "exactly one ticket": `inbox.source_key` (accepting
twice is one row), `entry.inbox_id` and `entry.content_digest` (processing twice, or the
same mail by two ways, is one entry), `outbox.dedupe_key` (one acknowledgement a
ticket). The column types are those that SQLite and PostgreSQL store alike.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Instant(TypeDecorator[datetime]):
    """An aware UTC time to the millisecond.

    SQLite has no time type, so it gets RFC 3339 text, which sorts like time and can
    be read in ten years; PostgreSQL gets timestamptz.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose text for SQLite."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(24))
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuse naive times, which would be stored as a guess."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive time {value} must not reach the database")
        value = value.astimezone(UTC)
        if dialect.name == "sqlite":
            return f"{value.isoformat(timespec='milliseconds')[:-6]}Z"
        return value.replace(microsecond=value.microsecond // 1000 * 1000)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Give back an aware UTC time."""
        if value is None:
            return None
        if isinstance(value, str):
            return datetime.fromisoformat(value)
        found: datetime = value.astimezone(UTC)
        return found


# SQLite numbers rows by itself only in a column that is exactly INTEGER.
Id = BigInteger().with_variant(Integer(), "sqlite")


def _now() -> Column[Any]:
    return Column("created_at", Instant, nullable=False)


contact = Table(
    "contact",
    metadata,
    Column("id", Id, primary_key=True),
    Column("address", String(320), nullable=False, unique=True),
    Column("name", Text, nullable=False, default=""),
    Column("verified", Boolean, nullable=False, default=False),
    Column("language", String(16)),
    Column("quiet_until", Instant),
    Column("no_surveys", Boolean, nullable=False, default=False),
    _now(),
)

ticket = Table(
    "ticket",
    metadata,
    Column("number", Id, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("priority", String(2), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("impact", String(16), nullable=False),
    Column("priority_by_hand", Boolean, nullable=False, default=False),
    Column("channel", String(16), nullable=False),
    Column("language", String(16), nullable=False),
    Column("team", String(64), nullable=False),
    Column("assignee", String(320)),
    Column("specialty", String(64)),
    Column("address", String(320), nullable=False),
    Column("requester_id", Id, ForeignKey("contact.id"), nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("first_response_due", Instant, nullable=False),
    Column("first_response_at", Instant),
    Column("resolved_at", Instant),
    Column("resolution", String(32)),
    Column("closed_at", Instant),
    Column("tags", JSON, nullable=False, default=list),
    # Since when the customer owes us an answer, and how often he was reminded.
    Column("waiting_since", Instant),
    Column("reminded", Integer, nullable=False, default=0),
    Column("reminded_at", Instant),
    Column("merged_into", Id, ForeignKey("ticket.number")),
    CheckConstraint(
        "status IN ('new','open','waiting','escalated','resolved','closed')",
        name="status",
    ),
    CheckConstraint("priority IN ('p1','p2','p3','p4')", name="priority"),
)
Index("ix_ticket_order", ticket.c.status, ticket.c.priority, ticket.c.opened_at)
Index("ix_ticket_requester", ticket.c.requester_id, ticket.c.number)

participant = Table(
    "participant",
    metadata,
    Column("ticket", Id, ForeignKey("ticket.number"), primary_key=True),
    Column("contact_id", Id, ForeignKey("contact.id"), primary_key=True, index=True),
    _now(),
)

relation = Table(
    "relation",
    metadata,
    Column("ticket", Id, ForeignKey("ticket.number"), primary_key=True),
    Column("other", Id, ForeignKey("ticket.number"), primary_key=True),
    Column("kind", String(32), primary_key=True),
    _now(),
)

inbox = Table(
    "inbox",
    metadata,
    Column("id", Id, primary_key=True),
    Column("source", String(255), nullable=False),
    Column("source_key", Text, nullable=False, unique=True),
    Column("state", String(16), nullable=False),
    Column("outcome", String(32)),
    Column("mail_from", Text),
    Column("rcpt_tos", JSON, nullable=False),
    Column("peer", String(255), nullable=False),
    Column("login", String(320), nullable=False),
    Column("no_ack", Boolean, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("content_digest", String(64), nullable=False, index=True),
    Column("received_at", Instant, nullable=False),
    Column("accepted_at", Instant, nullable=False),
    Column("processed_at", Instant),
    Column("attempts", Integer, nullable=False, default=0),
    Column("strikes", Integer, nullable=False, default=0),
    Column("claimed_by", String(64)),
    Column("claimed_until", Instant),
    Column("error", Text),
    Column("message_id", Text),
    Column("from_address", String(320)),
    Column("subject", Text),
    Column("kind", String(32)),
    Column("auth", String(16)),
    Column("body_hash", String(64)),
    Column("ticket", Id, ForeignKey("ticket.number")),
    Column("entry_id", Id),
    Column("ack", String(64)),
    Column("why", JSON),
    # Last: SQLite walks through all that lies before a column to read that column.
    Column("raw", LargeBinary),
    CheckConstraint("state IN ('received','done','failed')", name="state"),
    # One fate each: a done row has exactly one outcome and no other row has any.
    CheckConstraint("(state = 'done') = (outcome IS NOT NULL)", name="outcome"),
)
Index(
    "ix_inbox_waiting",
    inbox.c.id,
    postgresql_where=text("state = 'received'"),
    sqlite_where=text("state = 'received'"),
)
Index(
    "ix_inbox_failed",
    inbox.c.id,
    postgresql_where=text("state = 'failed'"),
    sqlite_where=text("state = 'failed'"),
)
# What is known only of a filed message costs nothing while it is accepted.
for _name, _first, *_more in (
    ("ix_inbox_message_id", inbox.c.message_id),
    ("ix_inbox_ticket", inbox.c.ticket),
    ("ix_inbox_sender", inbox.c.from_address, inbox.c.received_at),
):
    _known = text(f"{_first.name} IS NOT NULL")
    Index(_name, _first, *_more, postgresql_where=_known, sqlite_where=_known)

entry = Table(
    "entry",
    metadata,
    Column("id", Id, primary_key=True),
    Column("ticket", Id, ForeignKey("ticket.number"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("at", Instant, nullable=False),
    Column("public", Boolean, nullable=False),
    Column("author_name", Text, nullable=False),
    Column("author_address", Text, nullable=False),
    Column("author_role", String(16), nullable=False),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("reply", Text, nullable=False),
    Column("signature", Text, nullable=False),
    Column("quoted", Text, nullable=False),
    Column("html", Text),
    Column("message_id", Text),
    Column("auth", String(16), nullable=False),
    Column("flags", JSON, nullable=False),
    Column("inbox_id", Id, ForeignKey("inbox.id"), unique=True),
    Column("content_digest", String(64), unique=True),
)
Index("ix_entry_ticket", entry.c.ticket, entry.c.id)

blob = Table(
    "blob",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("size", BigInteger, nullable=False),
    # Empty where the bytes lie in the blob store under their SHA-256.
    Column("content", LargeBinary),
    _now(),
)

attachment = Table(
    "attachment",
    metadata,
    Column("id", Id, primary_key=True),
    Column("entry_id", Id, ForeignKey("entry.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("content_type", String(255), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), ForeignKey("blob.sha256"), nullable=False),
    Column("role", String(16), nullable=False),
    Column("content_id", Text),
    Column("width", Integer),
    Column("height", Integer),
    Column("thumbnail", String(64), ForeignKey("blob.sha256")),
    # What can be read in it; of a screenshot NULL until somebody has tried to.
    Column("words", Text),
)
# What mails show inside their text comes again and again; other files rarely do.
_SHOWN = text("content_id IS NOT NULL")
Index(
    "ix_attachment_shown",
    attachment.c.sha256,
    attachment.c.id,
    postgresql_where=_SHOWN,
    sqlite_where=_SHOWN,
)
_UNREAD = text("role = 'screenshot' AND words IS NULL")
Index(
    "ix_attachment_unread",
    attachment.c.id,
    postgresql_where=_UNREAD,
    sqlite_where=_UNREAD,
)

message_index = Table(
    "message_index",
    metadata,
    Column("id", Id, primary_key=True),
    Column("message_id", String(998), nullable=False, index=True),
    Column("ticket", Id, ForeignKey("ticket.number"), nullable=False),
    Column("origin", String(8), nullable=False),
    Column("entry_id", Id),
    CheckConstraint("origin IN ('sent','received')", name="origin"),
)

deadline = Table(
    "deadline",
    metadata,
    Column("id", Id, primary_key=True),
    Column("ticket", Id, ForeignKey("ticket.number"), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("started_at", Instant, nullable=False),
    # Of the seconds of business time that are allowed, so many were left at that
    # moment. A deadline whose customer must answer first stands still: it has no due
    # time.
    Column("allowed", Float, nullable=False),
    Column("remaining", Float, nullable=False),
    Column("counted_from", Instant, nullable=False),
    Column("due_at", Instant),
    Column("warn_at", Instant),
    Column("warned_at", Instant),
    Column("breached_at", Instant),
    # How it ended, and how many seconds of business time it took if it was met.
    Column("done_at", Instant),
    Column("ending", String(8)),
    Column("took", Float),
    CheckConstraint("(done_at IS NULL) = (ending IS NULL)", name="ending"),
)
Index("ix_deadline_ticket", deadline.c.ticket)
Index("ix_deadline_started", deadline.c.started_at)
# A case has one clock a kind at a time.
_OPEN = text("done_at IS NULL")
Index(
    "uq_deadline_open",
    deadline.c.ticket,
    deadline.c.kind,
    unique=True,
    postgresql_where=_OPEN,
    sqlite_where=_OPEN,
)
# The clock asks these every few seconds; what was told already is not in them.
_TO_BREACH = text("done_at IS NULL AND breached_at IS NULL")
Index(
    "ix_deadline_due",
    deadline.c.due_at,
    postgresql_where=_TO_BREACH,
    sqlite_where=_TO_BREACH,
)
_TO_WARN = text("done_at IS NULL AND breached_at IS NULL AND warned_at IS NULL")
Index(
    "ix_deadline_warn",
    deadline.c.warn_at,
    postgresql_where=_TO_WARN,
    sqlite_where=_TO_WARN,
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("ticket", Id, ForeignKey("ticket.number")),
    Column("entry_id", Id, ForeignKey("entry.id")),
    Column("dedupe_key", String(128), nullable=False, unique=True),
    Column("mail_from", Text, nullable=False),
    Column("rcpt_to", String(320), nullable=False),
    Column("rcpt_domain", String(255), nullable=False),
    Column("message_id", String(998), nullable=False, unique=True),
    Column("subject", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("at_most_once", Boolean, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_attempt_at", Instant),
    Column("claimed_by", String(64)),
    Column("claimed_until", Instant),
    Column("last_reply", Text, nullable=False, default=""),
    Column("sent_at", Instant),
    # When its case was told that it did not arrive; nothing while that is to be done.
    Column("lost_at", Instant),
    _now(),
    CheckConstraint(
        "state IN ('queued','sending','sent','deferred','failed','unknown')",
        name="state",
    ),
)
# SQLite uses a partial index only for questions that repeat its condition word by word.
_UNSENT, _ACK = text("state <> 'sent'"), text("kind = 'ack'")
Index(
    "ix_outbox_unsent",
    outbox.c.next_attempt_at,
    outbox.c.id,
    outbox.c.state,
    postgresql_where=_UNSENT,
    sqlite_where=_UNSENT,
)
Index("ix_outbox_ticket", outbox.c.ticket)
_LOST = text("state = 'failed' AND lost_at IS NULL")
Index(
    "ix_outbox_lost",
    outbox.c.ticket,
    outbox.c.id,
    postgresql_where=_LOST,
    sqlite_where=_LOST,
)
# The caps on automatic answers count here.
for _name, _columns in {
    "ix_outbox_acks_address": (outbox.c.rcpt_to, outbox.c.created_at),
    "ix_outbox_acks_domain": (outbox.c.rcpt_domain, outbox.c.created_at),
    "ix_outbox_acks": (outbox.c.created_at, outbox.c.kind),
}.items():
    Index(_name, *_columns, postgresql_where=_ACK, sqlite_where=_ACK)

notice = Table(
    "notice",
    metadata,
    Column("id", Id, primary_key=True),
    Column("ticket", Id, ForeignKey("ticket.number"), nullable=False),
    Column("entry_id", Id, ForeignKey("entry.id")),
    Column("kind", String(32), nullable=False),
    # Who shall not be told: whoever did it.
    Column("by", String(320), nullable=False),
    Column("facts", JSON, nullable=False),
    Column("done_at", Instant),
    _now(),
)
Index(
    "ix_notice_open",
    notice.c.created_at,
    postgresql_where=text("done_at IS NULL"),
    sqlite_where=text("done_at IS NULL"),
)

survey = Table(
    "survey",
    metadata,
    Column("id", Id, primary_key=True),
    Column("ticket", Id, ForeignKey("ticket.number"), nullable=False),
    # One question a resolution: the event that resolved the case.
    Column("resolution_event", Id, ForeignKey("event.id"), nullable=False, unique=True),
    Column("contact_id", Id, ForeignKey("contact.id"), nullable=False),
    Column("agent", String(320), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(64), nullable=False, default=""),
    Column("due_at", Instant, nullable=False),
    Column("token_hash", String(64), unique=True),
    Column("letter", String(998)),
    Column("sent_at", Instant),
    Column("expires_at", Instant),
    Column("score", Integer),
    Column("comment", Text, nullable=False, default=""),
    Column("answered_at", Instant),
    Column("via", String(8), nullable=False, default=""),
    _now(),
    CheckConstraint(
        "state IN ('scheduled','sent','answered','cancelled','expired')", name="state"
    ),
    CheckConstraint("score BETWEEN 1 AND 5", name="score"),
)
Index(
    "ix_survey_due",
    survey.c.due_at,
    postgresql_where=text("state = 'scheduled'"),
    sqlite_where=text("state = 'scheduled'"),
)
Index("ix_survey_contact", survey.c.contact_id, survey.c.sent_at)
Index("ix_survey_ticket", survey.c.ticket)

vote = Table(
    "vote",
    metadata,
    Column("id", Id, primary_key=True),
    Column("survey_id", Id, ForeignKey("survey.id"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("score", Integer, nullable=False),
    Column("comment", Text, nullable=False),
    Column("via", String(8), nullable=False),
)

event = Table(
    "event",
    metadata,
    Column("id", Id, primary_key=True),
    Column("ticket", Id, ForeignKey("ticket.number"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("who", String(320), nullable=False),
    Column("facts", JSON, nullable=False),
)
Index("ix_event_ticket", event.c.ticket, event.c.id)

lease = Table(
    "lease",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("host", String(255), nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("until", Instant, nullable=False),
)

mailbox_state = Table(
    "mailbox_state",
    metadata,
    Column("mailbox", String(255), primary_key=True),
    Column("uidvalidity", BigInteger),
    Column("last_uid", BigInteger),
    Column("connected", Boolean, nullable=False, default=False),
    Column("error", Text, nullable=False, default=""),
    Column("last_success_at", Instant),
    Column("changed_at", Instant, nullable=False),
)

secret_key = Table(
    "secret_key",
    metadata,
    Column("id", Id, primary_key=True),
    Column("secret", String(64), nullable=False),
    _now(),
)

heartbeat = Table(
    "heartbeat",
    metadata,
    Column("instance", String(64), primary_key=True),
    Column("host", String(255), nullable=False),
    Column("pid", BigInteger, nullable=False),
    Column("jobs", JSON, nullable=False),
    Column("at", Instant, nullable=False),
)

# When the service was up: from the first to the last heartbeat without a gap.
uptime = Table(
    "uptime",
    metadata,
    Column("id", Id, primary_key=True),
    Column("instance", String(64), nullable=False),
    Column("host", String(255), nullable=False),
    Column("since", Instant, nullable=False),
    Column("until", Instant, nullable=False, index=True),
)
Index("ix_uptime_instance", uptime.c.instance, uptime.c.id)
