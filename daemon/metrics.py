"""What is counted, for Prometheus. Names end in their unit; labels are closed."""

from collections.abc import Iterable

from prometheus_client import Counter, Gauge, Histogram

from chamado.daemon.filing import Filed

ACCEPTED = Counter(
    "chamado_mail_messages_accepted_total", "Messages stored durably", ["source"]
)
OUTCOMES = Counter(
    "chamado_mail_outcomes_total", "Messages by what they became", ["outcome"]
)
ACKS = Counter(
    "chamado_acknowledgements_total", "Acknowledgements by verdict", ["verdict"]
)
BAD_TOKENS = Counter(
    "chamado_bad_reply_tokens_total", "Reply addresses and Message-IDs nobody made"
)
FAILED = Counter("chamado_mail_failed_total", "Messages set aside as failed")
CHILD_DEATHS = Counter(
    "chamado_parser_child_deaths_total", "Parser children that died", ["reason"]
)
PARSE_SECONDS = Histogram(
    "chamado_parse_seconds",
    "Time a message spends in a parser child",
    buckets=(0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30),
)
FILE_SECONDS = Histogram(
    "chamado_file_batch_seconds",
    "Time to decide and write a batch",
    buckets=(0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30),
)
SENT = Counter("chamado_letters_total", "Attempts to send a letter", ["kind", "result"])
INBOX_WAITING = Gauge("chamado_inbox_waiting", "Messages accepted and not yet filed")
INBOX_FAILED = Gauge("chamado_inbox_failed", "Messages set aside as failed")
INBOX_AGE = Gauge(
    "chamado_inbox_oldest_age_seconds", "Age of the oldest message that waits"
)
OUTBOX = Gauge("chamado_outbox_letters", "Letters by state", ["state"])
OUTBOX_AGE = Gauge(
    "chamado_outbox_oldest_age_seconds", "Age of the oldest letter that waits"
)
DATABASE_UP = Gauge(
    "chamado_database_up",
    "1 while the database answers; at 0 gauges that are read off it stand still",
)
MAILBOX_CONNECTED = Gauge(
    "chamado_mailbox_connected", "1 while a mailbox is being watched", ["mailbox"]
)
MAILBOX_SUCCESS = Gauge(
    "chamado_mailbox_last_success_timestamp_seconds",
    "When a mailbox was last read to its end, or its server answered after that",
    ["mailbox"],
)
MAILBOX_TROUBLE = Gauge(
    "chamado_mailbox_trouble",
    "1 while `mailbox list` names a trouble, as a message left in the mailbox",
    ["mailbox"],
)
WARNINGS = Counter(
    "chamado_sla_warnings_total", "Deadlines that came close unmet", ["kind"]
)
BREACHES = Counter(
    "chamado_sla_breaches_total", "Deadlines that passed unmet", ["kind"]
)
SURVEYS = Counter(
    "chamado_surveys_total", "Surveys that were due, by what came of them", ["result"]
)


def filed(rows: Iterable[Filed], seconds: float) -> None:
    """Count a batch of fates."""
    FILE_SECONDS.observe(seconds)
    for row in rows:
        OUTCOMES.labels(row.outcome.value).inc()
        BAD_TOKENS.inc(row.bad_tokens)
        if row.ack:
            ACKS.labels(row.ack.rpartition(":")[2]).inc()
