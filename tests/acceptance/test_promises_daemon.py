"""The clock of the installed daemon: it alarms by itself, and notes that it lives."""

from pathlib import Path

from tests.support.daemon import (
    SUPPORT,
    Daemon,
    chamado,
    chamado_json,
    wait_until,
    write_config,
)
from tests.support.house import message

PROMISES = """
[sla]
first_response = "2s"
first_response_target = "1s"
warn_before = "0s"
holidays = "BR-SP"
"""


def test_the_daemon_alarms_once_and_reports_its_own_life(
    database_url: str, tmp_path: Path
) -> None:
    """A promise of two seconds is missed, told in the log and on the case; the report
    counts it, and knows since when the service is up."""
    config = write_config(tmp_path, database_url, more=PROMISES)
    with Daemon(config) as daemon:
        assert daemon.send(message(to=SUPPORT))
        daemon.wait_for("sla_breached")
        wait_until(
            lambda: chamado_json(config, "report", "availability")["measured_from"]
        )
    (case,) = chamado_json(config, "ticket", "list")
    shown = chamado_json(config, "ticket", "show", str(case["number"]))
    told = [e for e in shown["entries"] if "deadline missed" in e["text"]]
    assert len(told) == 1
    first = chamado_json(config, "report", "sla")["total"]["first_response"]
    assert (first["missed"], first["attained_percent"]) == (1, 0.0)
    assert "promised 99.4 %" in chamado(config, "report", "availability")
