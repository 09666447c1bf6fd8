"""A survey through the installed command: resolved, asked, answered, shown."""

import email
import re
from email import policy
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
from tests.support.polls import Site

SURVEY = """
[survey]
delay = "0s"
base_url = "https://support.acme.example/desk"
"""


def letters(folder: Path) -> list[str]:
    """The texts of the surveys that left."""
    found = []
    for file in sorted((folder / "data/outgoing/new").glob("*")):
        sent = email.message_from_bytes(file.read_bytes(), policy=policy.default)
        if str(sent["Message-ID"]).startswith("<survey."):
            part = sent.get_body(("plain",))
            found.append(part.get_content() if part else "")
    return found


def test_a_survey_goes_out_and_its_answer_comes_back(
    database_url: str, tmp_path: Path
) -> None:
    """The link of the letter, taken to the daemon's own door, is a vote on the case."""
    config = write_config(tmp_path, database_url, more=SURVEY)
    with Daemon(config) as daemon:
        assert daemon.send(message(to=SUPPORT))
        (case,) = wait_until(lambda: chamado_json(config, "ticket", "list"))
        number = str(case["number"])
        agent = ("--agent", "bia@acme.example", "--resolution", "answered")
        chamado(config, "ticket", "resolve", number, *agent)
        (text,) = wait_until(lambda: letters(tmp_path))
        link = re.search(
            r"https://support\.acme\.example/desk(/survey/[a-z2-7]{26})\?score=5", text
        )
        assert link, text
        web = Site(int(daemon.http.rpartition(":")[2]))
        assert web.get(f"{link[1]}?score=5").status == 200
        assert chamado_json(config, "ticket", "show", number)["survey"]["score"] is None
        token = link[1].rpartition("/")[2]
        assert web.vote(token, 5, "Muito bom!").status == 200
        survey = chamado_json(config, "ticket", "show", number)["survey"]
        assert survey["state"] == "answered"
        assert (survey["score"], survey["comment"]) == (5, "Muito bom!")
        assert (survey["via"], survey["reason"]) == ("web", None)
        assert survey["sent_at"] < survey["answered_at"]
        assert "5 of 5" in chamado(config, "ticket", "show", number)
        assert daemon.stop() == 0
