"""What a person types wrong is named, with the way out, and changes nothing."""

import json
from pathlib import Path

import pytest

from tests.support.counter import Counter, counter
from tests.support.house import House, message


def test_a_file_that_is_missing_does_not_keep_the_others_from_being_parsed(
    cli: Counter, tmp_path: Path
) -> None:
    """`parse` goes on, names what it could not read, and ends with 66."""
    there = tmp_path / "there.eml"
    there.write_bytes(message())
    done = cli.run("parse", "--json", str(tmp_path / "gone.eml"), str(there))
    assert done.code == 66
    assert [json.loads(line)["file"] for line in done.out.splitlines()] == [str(there)]
    assert "gone.eml: No such file or directory" in done.err


def test_a_path_that_is_mistyped_takes_in_none_of_the_others(
    cli: Counter, tmp_path: Path
) -> None:
    """`ingest` looks at all paths first: the command can be given again as it was."""
    there = tmp_path / "there.eml"
    there.write_bytes(message())
    done = cli.run("ingest", str(there), str(tmp_path / "gone.eml"))
    assert done.code == 66
    assert "gone.eml: No such file or directory; check the path" in done.err
    assert cli.json("inbox", "list") == []


def test_services_that_are_none_are_named(cli: Counter) -> None:
    """`run --only ""`, as a script with an empty variable says, does not run all."""
    for only in ("", "smtp,", "imapp"):
        done = cli.run("run", "--only", only)
        assert done.code == 64
        assert f"'{only.removeprefix('smtp,')}'; there are smtp imap" in done.err


def test_a_team_that_nobody_is_in_is_refused(home: House, cli: Counter) -> None:
    """A mistyped team would be told of nothing; the known ones are named."""
    home.mail(message())
    done = cli.run("ticket", "set", 1, "--team", "slaes")
    assert done.code == 65
    assert "'slaes'" in done.err
    assert "sales, support" in done.err
    assert cli.json("ticket", "show", 1)["team"] == "support"


def test_a_language_without_letters_is_no_other_language(cli: Counter) -> None:
    """`template preview` says which there are instead of showing Portuguese."""
    done = cli.run("template", "preview", "ack", "--language", "xx")
    assert done.code == 64
    assert "en, es, pt-BR" in done.err
    assert done.out == ""


def test_the_state_of_the_database_is_data_for_scripts_too(cli: Counter) -> None:
    """`db upgrade` and `db check` know --json."""
    assert cli.json("db", "upgrade")["schema"] == "0001"
    checked = cli.json("db", "check")
    assert checked == {"schema": "0001", "durable": True, "sound": True}


def test_the_outbox_names_a_letter_by_its_own_subject(
    home: House, cli: Counter
) -> None:
    """What a stranger wrote into a subject is not what we sent."""
    home.mail(message(subject="FREE NITRO"))
    (letter,) = cli.json("outbox", "list")
    assert letter["subject"] == "[#1] Recebemos sua mensagem"


@pytest.mark.parametrize(
    "command",
    [
        ("run",),
        ("ticket", "list"),
        ("ingest", "-"),
        ("db", "upgrade"),
        ("doctor",),
        ("doctor", "--ledger"),
        ("backup", "copy"),
    ],
)
def test_a_port_that_is_none_ends_every_command_with_one_line(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    """Neither a traceback nor the words of the URL, and 78 for the service manager."""
    cli = counter(tmp_path, "postgresql://u:canary@h:x/db")
    done = cli.run(*command)
    assert (done.code, done.out) == (78, "")
    (line,) = done.err.splitlines()
    assert "database.url: names a port that is no number" in line
    assert "canary" not in line


def test_a_url_out_of_a_file_that_leads_nowhere_ends_commands_in_the_same_way(
    tmp_path: Path,
) -> None:
    """And doctor, which looks at everything else, says it where the database stands."""
    (tmp_path / "url").write_text("postgresql://u:pa@canary@h/db")
    cli = counter(tmp_path, "")
    text = cli.config.read_text().replace('url = ""', "url_file = 'url'")
    cli.config.write_text(text)
    for command in (("ticket", "list"), ("run",)):
        done = cli.run(*command)
        assert done.code == 78
        assert "holds one @ more than it can" in done.err
        assert "canary" not in done.err
    doctor = cli.run("doctor")
    assert doctor.code == 1
    (said,) = (x for x in doctor.out.splitlines() if x.startswith("fail database:"))
    assert "holds one @ more than it can" in said
    assert "canary" not in doctor.out + doctor.err
    assert "see the log" not in doctor.out


def test_a_page_behind_a_case_that_is_not_there_is_refused(
    home: House, cli: Counter
) -> None:
    """The first page again would be taken for what follows."""
    home.mail(message())
    done = cli.run("ticket", "list", "--after", "99")
    assert (done.code, done.out) == (66, "")
    assert "there is no ticket #99" in done.err


def test_a_tag_that_is_too_long_is_refused_and_not_cut(
    home: House, cli: Counter
) -> None:
    """Nobody would find the case under the tag that was given."""
    home.mail(message())
    cli.ok("ticket", "set", 1, "--tag", "x" * 64)
    done = cli.run("ticket", "set", 1, "--tag", "y" * 65)
    assert done.code == 65
    assert "longer than 64 characters" in done.err
    assert cli.json("ticket", "show", 1)["tags"] == ["x" * 64]
