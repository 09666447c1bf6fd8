"""`chamado config`: a file to start from, all mistakes at once, and what holds."""

import json
import shlex
import stat
import subprocess
from pathlib import Path

import pytest
import trustme
from click.testing import CliRunner, Result

from chamado.config.problems import Problem
from chamado.config.settings import Settings
from chamado.daemon.cli import config as command


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder without a configuration in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("CHAMADO_CONFIG", "CHAMADO_DATA_DIR", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def run(*words: str, path: Path | None = None, **environ: str) -> Result:
    """Run one `config` command as the root command would."""
    return CliRunner().invoke(command.config_group, words, obj=path, env=environ)


def test_init_writes_a_private_file_that_passes_the_check(here: Path) -> None:
    """The file is readable by owner and group only, and good as it is."""
    assert run("init").exit_code == 0
    assert stat.S_IMODE((here / "chamado.toml").stat().st_mode) == 0o640
    checked = run("check")
    assert checked.exit_code == 0
    assert checked.stdout.splitlines()[-1] == "ok chamado.toml"


def test_init_for_a_service_puts_the_data_where_they_belong(here: Path) -> None:
    """Below /etc nothing may be written, so the data folder is set at once."""
    lines = command.manual(Path("/etc/chamado/chamado.toml")).splitlines()
    assert 'data_dir = "/var/lib/chamado"' in lines
    assert '#data_dir = "var/chamado"' in command.manual(here / "x.toml").splitlines()


def test_init_never_overwrites(here: Path) -> None:
    """A second `init` fails with 73 and leaves the file as it was."""
    (here / "mine.toml").write_text("mine")
    result = run("init", "mine.toml")
    assert result.exit_code == 73
    assert "File exists" in result.stderr
    assert (here / "mine.toml").read_text() == "mine"


def test_check_prints_all_mistakes_and_exits_78(here: Path) -> None:
    """Each mistake is one line with place, key, and what to do."""
    file = here / "bad.toml"
    file.write_text("[service]\nnaem = 1\n[relay]\nport = 'x'\n")
    result = run("check", path=file)
    assert result.exit_code == 78
    first, second = result.stdout.splitlines()
    wanted = "service.naem: unknown key — did you mean service.name?"
    assert first == f"fail {file}:2: {wanted}"
    assert second.startswith(f"fail {file}:4: relay.port: ")


def test_the_file_can_be_named_behind_the_command_too(here: Path) -> None:
    """`config check --config FILE` looks at that file, as `--config FILE` before."""
    (here / "bad.toml").write_text("[service]\nlanguage = 'xx'\n")
    for name in ("check", "show"):
        result = run(name, "--config", "bad.toml")
        assert result.exit_code == 78
        assert "bad.toml:2: service.language" in result.output


def test_check_as_json_tells_errors_from_warnings(here: Path) -> None:
    """A script reads the same facts from one document."""
    (here / "chamado.toml").write_text(
        "[[mailbox]]\nname='m'\nhost='h'\nuser='u'\npassword_file='none'\n"
    )
    result = run("check", "--json")
    assert result.exit_code == 78
    report = json.loads(result.stdout)
    assert report["ok"] is False
    (error,) = report["errors"]
    assert (error["key"], error["where"]) == (
        "mailbox.0.password_file",
        "chamado.toml:5",
    )
    assert {w["key"] for w in report["warnings"]} == {
        "address",
        "mailbox.0.trusted_authserv_ids",
    }


def test_check_asks_the_extra_checks(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What other rooms of the house know to check is checked in the same run."""

    def extra(settings: Settings) -> list[Problem]:
        return [Problem(key="service.language", message=settings.service.language)]

    monkeypatch.setattr(command, "EXTRA_CHECKS", [extra])
    result = run("check")
    assert result.exit_code == 78
    assert "fail service.language: pt-BR" in result.stdout


def _certificates(folder: Path) -> dict[str, Path]:
    """Files that look like certificates and keys, two of which belong together."""
    names = ("cert", "key", "other", "shut", "junk", "empty")
    files = {name: folder / f"{name}.pem" for name in names}
    ours, others = (trustme.CA().issue_cert("mx.acme.example") for _ in range(2))
    ours.cert_chain_pems[0].write_to_path(files["cert"])
    ours.private_key_pem.write_to_path(files["key"])
    others.private_key_pem.write_to_path(files["other"])
    shut = "openssl pkey -aes128 -passout pass:x -in key.pem -out shut.pem"
    subprocess.run(shlex.split(shut), cwd=folder, check=True)
    files["junk"].write_text("no certificate\n")
    files["empty"].touch()
    return files


@pytest.mark.parametrize(
    ("certificate", "key", "words"),
    [
        ("cert", "key", ""),
        ("cert", "other", "do not belong together"),
        ("cert", "shut", "or the key has a password"),
        ("cert", "empty", "no PEM"),
        ("junk", "key", "no PEM"),
        ("empty", "key", "no PEM"),
    ],
)
def test_check_tells_of_a_certificate_that_the_daemon_cannot_use(
    here: Path, certificate: str, key: str, words: str
) -> None:
    """What would end every start is a mistake of the configuration, said in words."""
    files = _certificates(here)
    (here / "chamado.toml").write_text(
        "[[listener]]\n"
        f"tls_certificate = '{files[certificate]}'\ntls_key = '{files[key]}'\n"
    )
    checked = run("check")
    assert checked.exit_code == (78 if words else 0), checked.output
    failed = [x for x in checked.stdout.splitlines() if x.startswith("fail")]
    assert len(failed) == bool(words)
    assert all("chamado.toml:2: listener.0.tls_cert" in x for x in failed)
    assert all(words in x for x in failed)


def test_check_tells_of_authorities_that_are_none(here: Path) -> None:
    """A ca_file without a certificate would keep every letter and mailbox waiting."""
    files = _certificates(here)
    (here / "chamado.toml").write_text(f"[relay]\nca_file = '{files['junk']}'\n")
    checked = run("check")
    assert checked.exit_code == 78
    assert "relay.ca_file: " in checked.stdout
    assert "holds no certificate in PEM" in checked.stdout


def test_check_reads_the_url_of_the_database_out_of_its_file(here: Path) -> None:
    """It is judged like one in the configuration, and no word of it is shown."""
    (here / "url").write_text("postgresql://u:pa@canary@h/db")
    (here / "chamado.toml").write_text("[database]\nurl_file = 'url'\n")
    checked = run("check")
    assert checked.exit_code == 78
    assert "chamado.toml:2: database.url_file: " in checked.stdout
    assert "write %40 for @" in checked.stdout
    assert "canary" not in checked.output


def test_show_names_the_origin_and_masks_secrets(here: Path) -> None:
    """Every effective value stands beside its origin, and no secret is printed."""
    (here / "chamado.toml").write_text(
        "[service]\nname = 'Acme ção'\n[relay]\npassword = 'canary-1'\n"
    )
    environ = {"CHAMADO_DATABASE__URL": "postgresql://u:canary-2@h/d"}
    result = run("show", "--json", **environ)
    settings = json.loads(result.stdout)["settings"]
    assert settings["service.name"] == {"value": "Acme ção", "origin": "file 2"}
    assert settings["database.url"]["origin"] == "environment CHAMADO_DATABASE__URL"
    assert settings["sla.first_response"] == {"value": 86400.0, "origin": "default"}
    human = run("show", **environ).stdout
    assert 'service.name = "Acme ção"' in human
    assert "canary" not in result.output + human


def test_show_writes_a_duration_as_a_file_may_hold_it(here: Path) -> None:
    """What is copied from there into a file is not refused for want of a unit."""
    environ = {"CHAMADO_RELAY__TIMEOUT": "1500ms", "CHAMADO_AGENTS__GATHER": "0s"}
    shown = run("show", **environ).stdout
    for line in (
        'sla.first_response = "1d"',
        'sla.first_response_target = "90m"',
        'case.close_after = "14d"',
        'relay.timeout = "1.5s"',
        'agents.gather = "0s"',
    ):
        assert f"\n{line} " in shown


def test_show_of_a_wrong_file_exits_78(here: Path) -> None:
    """Half a configuration is not shown as if it held."""
    (here / "chamado.toml").write_text("name = nonsense\n")
    result = run("show")
    assert result.exit_code == 78
    assert "chamado.toml:1" in result.stderr


def test_a_folder_of_templates_that_is_not_there_is_told_once(here: Path) -> None:
    """The mistake is a line of the check, and no line of a log stands before it."""
    file = here / "chamado.toml"
    file.write_text('[service]\ntemplates = "/nope"\n')
    result = run("check", path=file)
    assert result.exit_code == 78
    assert result.stderr == ""
    first, *others = result.stdout.splitlines()
    assert first.startswith("fail ")
    assert "there is no such folder" in first
    assert not [line for line in others if "template" in line]


def test_template_files_with_misspelt_names_are_told_with_the_right_ones(
    here: Path,
) -> None:
    """What no letter is made of is a warning; what a template includes is used."""
    folder = here / "templates"
    for name, content in {
        "layot.html": "x",
        "notes.md": "x",
        "greeting.txt": "x",
        "pt-BR/acks/body.txt": "x",
        "pt-BR/reply/boddy.txt": "x",
        "pt_BR/ack/body.txt": "x",
        "fr/reply/subject.txt": "x",
        "fr/reply/body.txt": "{% include 'greeting.txt' %}",
        "fr/reply/body.html": "x",
        ".git/config": "x",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    file = here / "chamado.toml"
    file.write_text(f'[service]\ntemplates = "{folder}"\n')
    told = [
        line
        for line in run("check", path=file).stdout.splitlines()
        if "never used" in line
    ]
    meant = {
        "layot.html": "did you mean layout.html?",
        "notes.md": "files are layout.html and",
        "pt-BR/acks/body.txt": "did you mean pt-BR/ack/body.txt?",
        "pt-BR/reply/boddy.txt": "did you mean pt-BR/reply/body.txt?",
        "pt_BR/ack/body.txt": "did you mean pt-BR/ack/body.txt?",
    }
    assert len(told) == len(meant)
    for (name, hint), line in zip(meant.items(), told, strict=True):
        assert line.startswith("warn ")
        assert name in line
        assert hint in line
