"""Loading: layers, search order, and every mistake at once with its place."""

from collections.abc import Callable
from pathlib import Path

import pytest

from chamado.config.load import Loaded, load
from chamado.config.problems import ConfigError, Problem

Load = Callable[..., Loaded]


@pytest.fixture
def loading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Load TOML text out of a file in an empty folder; keywords are the environment."""
    monkeypatch.chdir(tmp_path)

    def run(text: str | None = None, **environ: str) -> Loaded:
        if text is None:
            return load(None, environ)
        (tmp_path / "a.toml").write_text(text, encoding="utf-8")
        return load(tmp_path / "a.toml", environ)

    return run


@pytest.fixture
def mistakes(loading: Load) -> Callable[..., dict[str, Problem]]:
    """Load what cannot be loaded, and return the problems by key."""

    def run(text: str | None = None, **environ: str) -> dict[str, Problem]:
        with pytest.raises(ConfigError) as caught:
            loading(text, **environ)
        return {problem.key: problem for problem in caught.value.problems}

    return run


def test_without_a_file_the_embedded_default_holds(
    loading: Load, tmp_path: Path
) -> None:
    """No file: one SMTP door, one support address, all data below the folder."""
    loaded = loading()
    settings = loaded.settings
    assert loaded.path is None
    assert [x.listen for x in settings.listener] == ["127.0.0.1:2525"]
    assert [x.address for x in settings.address] == ["support@localhost"]
    assert settings.relay.kind == "maildir"
    assert settings.http.listen == "127.0.0.1:8025"
    assert settings.service.data_dir == tmp_path / "var/chamado"
    assert set(loaded.origins.values()) == {"default"}


def test_a_file_replaces_the_embedded_default(loading: Load) -> None:
    """With a file nothing listens that the file does not name."""
    settings = loading("[service]\nname = 'Acme'\n").settings
    assert settings.listener == ()
    assert settings.address == ()


def test_data_dir_of_the_environment_serves_the_embedded_default(
    loading: Load, tmp_path: Path
) -> None:
    """CHAMADO_DATA_DIR moves the data where nothing else says where they lie."""
    loaded = loading(CHAMADO_DATA_DIR=str(tmp_path / "d"))
    assert loaded.settings.service.data_dir == tmp_path / "d"
    assert loaded.origins["service.data_dir"] == "environment CHAMADO_DATA_DIR"
    written = loading("[service]\ndata_dir = '/srv/x'\n", CHAMADO_DATA_DIR="/other")
    assert written.settings.service.data_dir == Path("/srv/x")


def test_the_search_takes_the_first_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--config goes before $CHAMADO_CONFIG, and that before ./chamado.toml."""
    monkeypatch.chdir(tmp_path)
    for name in ("chamado.toml", "variable.toml", "option.toml"):
        (tmp_path / name).write_text(f"[service]\nname = '{name}'\n")
    variable = {"CHAMADO_CONFIG": "variable.toml"}
    assert load(Path("option.toml"), variable).settings.service.name == "option.toml"
    assert load(None, variable).settings.service.name == "variable.toml"
    assert load(None, {}).path == Path("chamado.toml")


def test_a_named_file_that_is_missing_is_an_error(
    mistakes: Callable[..., dict[str, Problem]],
) -> None:
    """A mistyped file name must not start the daemon on the embedded default."""
    found = mistakes(CHAMADO_CONFIG="/nowhere/chamado.toml")
    assert found[""].where == "/nowhere/chamado.toml"


def test_environment_changes_one_key_of_one_table(loading: Load) -> None:
    """A variable names table, number and key; everything else stays as written."""
    loaded = loading(
        "[[mailbox]]\nname='a'\nhost='h'\nuser='u'\n"
        "[[mailbox]]\nname='b'\nhost='h'\nuser='u'\nport=143\n",
        CHAMADO_MAILBOX__1__HOST="imap.example",
        CHAMADO_MAILBOX__1__TRUSTED_AUTHSERV_IDS="mx1, mx2",
        CHAMADO_LIMITS__BATCH="7",
    )
    first, second = loaded.settings.mailbox
    assert (first.host, second.host, second.port) == ("h", "imap.example", 143)
    assert second.trusted_authserv_ids == ("mx1", "mx2")
    assert loaded.settings.limits.batch == 7
    assert loaded.origins["mailbox.1.port"] == "file 9"
    assert loaded.origins["mailbox.1.host"] == "environment CHAMADO_MAILBOX__1__HOST"
    assert loaded.origins["mailbox.0.port"] == "default"


def test_environment_alone_can_describe_a_container(loading: Load) -> None:
    """Tables can be begun by variables, and replace the embedded ones."""
    settings = loading(
        CHAMADO_ADDRESS__0__ADDRESS="help@acme.example",
        CHAMADO_LISTENER__0__LISTEN="0.0.0.0:2525",
        CHAMADO_LISTENER__0__TRUSTED_AUTHSERV_IDS='["mx.acme.example"]',
    ).settings
    assert settings.address[0].address == "help@acme.example"
    assert settings.listener[0].listen == "0.0.0.0:2525"
    assert settings.listener[0].trusted_authserv_ids == ("mx.acme.example",)


def test_credentials_put_written_password_files_out_of_force(
    loading: Load, tmp_path: Path
) -> None:
    """What systemd passes replaces the file that the service's user cannot read."""
    folder = tmp_path / "credentials"
    folder.mkdir()
    for name in ("mailbox-b", "relay", "database", "mailbox-typo", "other"):
        (folder / name).write_text("x")
    text = (
        "[[mailbox]]\nname='a'\nhost='h'\nuser='u'\npassword_file='a.secret'\n"
        "[[mailbox]]\nname='b'\nhost='h'\nuser='u'\npassword_file='/root/b'\n"
        "[relay]\nuser='u'\n[database]\nurl='sqlite:////x'\n"
    )
    loaded = loading(text, CREDENTIALS_DIRECTORY=str(folder))
    settings = loaded.settings
    assert settings.mailbox[0].password_file == tmp_path / "a.secret"
    assert settings.mailbox[1].password_file == folder / "mailbox-b"
    assert settings.relay.password_file == folder / "relay"
    assert settings.database.url_file == folder / "database"
    assert settings.database.url is None
    assert loaded.origins["mailbox.1.password_file"] == "credential mailbox-b"
    assert [note.where for note in loaded.notes] == ["credential mailbox-typo"]


def test_the_only_mailbox_takes_the_credential_imap(
    loading: Load, tmp_path: Path
) -> None:
    """With one mailbox the credential need not be named after it; a variable wins."""
    (tmp_path / "imap").write_text("x")
    text = "[[mailbox]]\nname='a'\nhost='h'\nuser='u'\ntoken_command=['t']\n"
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    mailbox = loading(text, **environ).settings.mailbox[0]
    assert mailbox.password_file == tmp_path / "imap"
    assert mailbox.token_command == ()
    loaded = loading(text, CHAMADO_MAILBOX__0__PASSWORD="p", **environ)
    assert loaded.settings.mailbox[0].password_file is None


def test_relative_paths_are_meant_from_the_folder_of_the_file(tmp_path: Path) -> None:
    """The same file means the same data wherever the command is started."""
    (tmp_path / "a.toml").write_text("[service]\ndata_dir = 'data'\n")
    settings = load(tmp_path / "a.toml", {}).settings
    assert settings.service.data_dir == tmp_path / "data"


EVERYTHING_WRONG = """\
[service]
domian = "acme.example"
timezone = "Mars/Olympus"

[[listener]]
max_connections = "many"
[[listener]]
trusted_authserv_ids = [
  "mx",
  "bad\\u0007",
]
[[mailbox]]
host = "imap.acme.example"
tls = "none"
user = "u"
password = "hunter2"
password_file = "p"
after = "mov:Processed"
poll_seconds = true
[http]
listen = "nonsense"
[lsa]
hours = "9-5"
[[address]]
address = "a@b.example"
[[address]]
address = "A@B.example"
[[agent]]
address = "a@b.example"
"""


def test_all_mistakes_come_at_once_each_with_its_line(
    mistakes: Callable[..., dict[str, Problem]], tmp_path: Path
) -> None:
    """Syntax of values, unknown keys and contradictions are one list in file order."""
    found = mistakes(EVERYTHING_WRONG)
    lines = {k: p.where.removeprefix(f"{tmp_path}/a.toml:") for k, p in found.items()}
    assert lines == {
        "service.domian": "2",
        "service.timezone": "3",
        "listener.0.max_connections": "6",
        "listener.1.trusted_authserv_ids": "8",
        "mailbox.0.name": "13",
        "mailbox.0.tls": "14",
        "mailbox.0.password": "16",
        "mailbox.0.after": "18",
        "mailbox.0.poll_seconds": "19",
        "http.listen": "21",
        "lsa": "23",
        "address.1.address": "27",
        "agent.0.address": "29",
    }
    assert found["service.domian"].hint == "did you mean service.domain?"
    assert found["lsa"].hint == "did you mean sla?"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[case]\nremind_after = 3\n", "case.remind_after"),
        ("[sla]\nnext_response = 8\n", "sla.next_response"),
        ("[sla]\nwarn_before = 1.5\n", "sla.warn_before"),
        ("[ack]\ncool_down = '24'\n", "ack.cool_down"),
        ("[[listener]]\nidle_timeout = 60\n", "listener.0.idle_timeout"),
        ("[[promise]]\nresolution = 3\n", "promise.0.resolution"),
        ("[survey]\nexpires = -28\n", "survey.expires"),
    ],
)
def test_a_duration_without_a_unit_is_refused_with_the_way_to_write_it(
    mistakes: Callable[..., dict[str, Problem]], text: str, key: str
) -> None:
    """Who writes 3 means days; taken for seconds, a case is given up at once."""
    found = mistakes(text)
    assert list(found) == [key]
    assert found[key].where.endswith(":2")
    assert 'is no duration; write "90m", "24h", "30s" or "7d"' in str(found[key])


def test_nothing_is_as_long_without_a_unit_and_seconds_in_a_name_are_numbers(
    loading: Load,
) -> None:
    """0 is the same in every unit; poll_seconds and parse_wall_seconds say theirs."""
    mailbox = "name='a'\nhost='h'\nuser='u'\npassword='p'\npoll_seconds=9\n"
    settings = loading(
        "[case]\nclose_after=0\nremind_after=0.0\n"
        "[limits]\nparse_wall_seconds=2.5\n"
        f"[[mailbox]]\n{mailbox}"
    ).settings
    assert (settings.case.close_after, settings.case.remind_after) == (0, 0)
    assert settings.mailbox[0].poll_seconds == 9
    assert settings.limits.parse_wall_seconds == 2.5


def test_a_word_where_a_list_belongs_is_told_with_the_way_to_write_it(
    mistakes: Callable[..., dict[str, Problem]],
) -> None:
    """Not in the words of Python, and without what a command may hold."""
    found = mistakes(
        "[[listener]]\ntrusted_authserv_ids = 'mx.acme.example'\n"
        "[[mailbox]]\nname='a'\nhost='h'\nuser='u'\ntoken_command = 'get canary'\n"
    )
    problem = found["listener.0.trusted_authserv_ids"]
    assert problem.where.endswith(":2")
    assert (problem.message, problem.hint) == (
        "is no list",
        'write ["mx.acme.example"]',
    )
    assert found["mailbox.0.token_command"].hint == 'write ["…"]'


@pytest.mark.parametrize("row", ["['p1']", "['p1', 'p1', 'p2', 'p3']"])
def test_a_row_of_priorities_of_another_length_is_told_with_its_line(
    mistakes: Callable[..., dict[str, Problem]], row: str
) -> None:
    """One mistake a row, where it stands."""
    found = mistakes(f"[priority]\nhigh = {row}\n")
    assert list(found) == ["priority.high"]
    assert found["priority.high"].where.endswith(":2")
    assert "high, medium and low" in found["priority.high"].hint


def test_a_mark_at_the_beginning_of_a_file_is_read_over(tmp_path: Path) -> None:
    """Editors of Windows write it, and nobody sees it."""
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbf[service]\nname = 'Acme'\n")
    loaded = load(tmp_path / "a.toml", {})
    assert loaded.settings.service.name == "Acme"
    assert loaded.where("service.name").endswith(":2")


def test_a_problem_never_repeats_a_secret(
    mistakes: Callable[..., dict[str, Problem]],
) -> None:
    """Not even a secret of the wrong type shows up in the list of mistakes."""
    found = mistakes("[relay]\npassword = ['hunter2']\n[database]\nurl = 'hunter2'\n")
    assert {"relay.password", "database.url"} <= found.keys()
    assert "hunter2" not in "".join(map(str, found.values()))


@pytest.mark.parametrize(
    ("text", "line"),
    [("[service\n", "1"), ("a = 1\na = 2\n", "2"), ("[service]\nname = x\n", "2")],
)
def test_a_file_that_is_no_toml_names_the_line(
    mistakes: Callable[..., dict[str, Problem]], tmp_path: Path, text: str, line: str
) -> None:
    """A slip of the pen is found without a second tool."""
    assert mistakes(text)[""].where == f"{tmp_path}/a.toml:{line}"


def test_a_file_in_another_encoding_is_an_error(tmp_path: Path) -> None:
    """A file written as windows-1252 is refused in words, not with a traceback."""
    (tmp_path / "a.toml").write_bytes(b"[service]\nname = 'Jos\xe9'\n")
    with pytest.raises(ConfigError, match="UTF-8"):
        load(tmp_path / "a.toml", {})


@pytest.mark.parametrize(
    ("environ", "key", "hint"),
    [
        ({"CHAMADO_SERVICE__NAEM": "x"}, "service.naem", "service.name"),
        ({"CHAMADO_MAILBOX__0__HSOT": "x"}, "mailbox.0.hsot", "mailbox.host"),
        ({"CHAMADO_ADDRESS__4__TEAM": "x"}, "address.4.team", "leave no gap"),
        ({"CHAMADO_SERVICE__NAME": "x\ny"}, "service.name", ""),
        ({"CHAMADO_SERVICE__NAME": "x\udcff"}, "service.name", ""),
    ],
)
def test_a_variable_that_fits_nothing_is_an_error(
    mistakes: Callable[..., dict[str, Problem]],
    environ: dict[str, str],
    key: str,
    hint: str,
) -> None:
    """A mistyped variable is reported under its own name."""
    found = mistakes(**environ)[key]
    assert found.where == f"environment {next(iter(environ))}"
    assert hint in found.hint


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("service = 3\n", "service"),
        ("[mailbox]\nhost = 'x'\n", "mailbox"),
        ("[sla]\nfirst_response = inf\n", "sla.first_response"),
        ("[limits]\nbatch = true\n", "limits.batch"),
    ],
)
def test_a_value_of_the_wrong_shape_is_reported_under_its_key(
    mistakes: Callable[..., dict[str, Problem]], text: str, key: str
) -> None:
    """One bracket too few, a flag for a number, or a promise without end."""
    assert key in mistakes(text)
