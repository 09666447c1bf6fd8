"""The installed daemon lets cases age by itself, and its letters leave."""

from email import message_from_bytes, policy
from email.message import EmailMessage
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

#: Seconds where people have days. A resolved case rests long, or it would be closed
#: before anybody can look at it.
CASE = """
[case]
remind_after = "1s"
reminders = 1
give_up_after = "1s"
"""


def letters(folder: Path) -> list[EmailMessage]:
    """What left the house."""
    found = (folder / "data" / "outgoing" / "new").glob("*")
    return [message_from_bytes(f.read_bytes(), policy=policy.default) for f in found]


def test_a_silent_customer_is_reminded_and_let_go(
    database_url: str, tmp_path: Path
) -> None:
    """Asked at the command line, reminded and closed by the daemon, each once."""
    config = write_config(tmp_path, database_url, more=CASE)
    with Daemon(config) as daemon:
        assert daemon.send(message(to=SUPPORT))
        (case,) = wait_until(lambda: chamado_json(config, "ticket", "list"))
        number = str(case["number"])
        words = ("ticket", "request-info", number, "--topic", "logs")
        chamado(config, *words, "--agent", "bia@acme.example")
        wait_until(
            lambda: chamado_json(config, "ticket", "show", number)["status"] == "closed"
        )
        wait_until(lambda: len(letters(tmp_path)) == 4)
    shown = chamado_json(config, "ticket", "show", number)
    assert shown["resolution"] is None
    told = [e["text"] for e in shown["entries"] if e["kind"] == "event"]
    assert told[-2:] == [
        "customer reminded (1)",
        "closed: the customer did not answer",
    ]
    subjects = {str(letter["Subject"]) for letter in letters(tmp_path)}
    assert f"[#{number}] Ainda falta a sua resposta" in subjects
    assert f"[#{number}] Encerramos o seu chamado" in subjects
