"""One list of settings: options, variables, credentials and the file say the same, and the docs."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from pg_artery import configuration
from pg_artery.cli import main
from pg_artery.commands.init import UNITS, commented, unit
from pg_artery.commands.run import command as run_command

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs/configuration.md").read_text()


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for setting in configuration.reference():
        monkeypatch.delenv(setting.variable, raising=False)
    for name in ("ARTERY_CONFIG", "CREDENTIALS_DIRECTORY", "ARTERY_VAULT_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch):
    """Give what `artery run` would run with: told(*arguments)."""
    seen: list[dict[str, object]] = []
    monkeypatch.setattr(run_command, "callback", lambda **given: seen.append(given))

    def ask(*arguments: str) -> dict[str, object]:
        result = artery(*arguments)
        assert result.exit_code == 0, result.output
        return seen.pop()

    return ask


def artery(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def table() -> str:
    rows = [
        f"| {s.section} | `{s.key}` | `{s.variable}` "
        f"| {f'`{s.credential}`' if s.credential else ''} | {s.default} | {s.meaning} |"
        for s in configuration.reference()
    ]
    return "\n".join(rows)


def test_the_document_lists_every_setting_as_it_is() -> None:
    assert table() in DOCUMENT, f"docs/configuration.md should have:\n{table()}"
    assert DOCUMENT.count("\n| `") + DOCUMENT.count("\n| run") + DOCUMENT.count("\n| mon") <= len(
        configuration.reference()
    )


def test_variables_that_the_code_reads_are_documented() -> None:
    read = set()
    for file in (ROOT / "runner/pg_artery").rglob("*.py"):
        read |= set(re.findall(r"\bARTERY_[A-Z_]+[A-Z]\b", file.read_text()))
    # of the demo's and the tests' own clusters, of the shell's completion, of the tests' crashes
    ours = {f"ARTERY_{n}" for n in ("PG_BINDIR", "PG_VERSIONS", "SERVER", "COMPLETE", "FAILPOINT")}
    assert {name for name in read - ours if name not in DOCUMENT} == set()


def test_an_option_goes_over_a_variable_over_a_credential_over_the_file(
    told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "artery.toml"
    file.write_text(
        'dsn = "dbname=file"\nvault_key_file = "/k"\n[run]\nprocesses = 2\nwait = 9\nno_tick = true'
    )
    given = told("--config", str(file), "run")
    assert [given[name] for name in ("dsn", "vault_key_file", "processes", "connect_wait")] == [
        "dbname=file", "/k", 2, 9.0,
    ]  # fmt: skip
    assert given["no_tick"] is True
    monkeypatch.setenv("ARTERY_CONFIG", str(file))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "artery-dsn").write_text("dbname=credential\n")
    (tmp_path / "artery-vault-key").write_text("k")
    given = told("run")
    assert (given["dsn"], given["vault_key_file"]) == ("dbname=credential", None)
    monkeypatch.setenv("ARTERY_DSN", "dbname=variable")
    monkeypatch.setenv("ARTERY_RUN_PROCESSES", "3")
    monkeypatch.setenv("ARTERY_RUN_WAIT", "1.5")
    given = told("run")
    assert [given[n] for n in ("dsn", "processes", "connect_wait")] == ["dbname=variable", 3, 1.5]
    given = told("run", "--processes", "4", "--dsn", "dbname=option")
    assert (given["dsn"], given["processes"]) == ("dbname=option", 4)


def test_the_file_in_its_usual_place_is_found(told, tmp_path: Path) -> None:
    place = tmp_path / "home/artery/artery.toml"
    place.parent.mkdir(parents=True)
    place.write_text("[run]\nbatch = 7")
    assert told("run")["batch"] == 7


def test_all_that_is_wrong_in_a_file_is_said_at_once(tmp_path: Path) -> None:
    file = tmp_path / "artery.toml"
    file.write_text(
        'dns = "x"\n[run]\nprocesses = 0\nno_tick = "yes"\nlog_level = "loud"\nbatch = true\n'
        "[monitor]\nhost = 'one'\n[job]\na = 1\n"
    )
    result = artery("--config", str(file), "run")
    assert result.exit_code == 2
    assert "IN050" in result.output
    for wrong in ("dns:", "run.processes:", "run.no_tick:", "run.log_level:", "run.batch:",
                  "monitor.host:", "job.a:"):  # fmt: skip
        assert wrong in result.output
    file.write_text("dsn = ")
    assert "It is TOML" in artery("--config", str(file), "run").output
    assert "artery init" in artery("--config", str(tmp_path / "none"), "run").output


def test_init_writes_all_settings_with_their_defaults_and_overwrites_nothing(
    tmp_path: Path, told
) -> None:
    place = tmp_path / "new/artery.toml"
    assert artery("init", str(place)).exit_code == 0
    text = place.read_text()
    assert text == commented()
    assert configuration.read(place) == {"": {}, "run": {}, "monitor": {}}
    uncommented = re.sub(r"^#(\w+ = )", r"\1", text, flags=re.M)
    parsed = tomllib.loads(uncommented)
    assert len(parsed) - 2 + len(parsed["run"]) + len(parsed["monitor"]) == len(
        configuration.reference()
    )
    place.write_text(uncommented)
    file, plain = told("--config", str(place), "run"), told("run")
    differ = {name for name in plain if file[name] != plain[name]}
    assert differ == {"dsn", "vault_key_file", "listen_dsn", "per_endpoint", "name"}, "examples"
    place.write_text("mine")
    result = artery("init", str(place))
    assert (result.exit_code, place.read_text()) == (5, "mine")
    assert "IN051" in result.output


def test_init_writes_units_that_run_this_installation(tmp_path: Path) -> None:
    assert artery("init", "--systemd", str(tmp_path)).exit_code == 0
    for name in UNITS:
        text = (tmp_path / name).read_text()
        program, command, *options = re.findall(r"^ExecStart=(.*)$", text, re.M)[0].split()
        assert Path(program).is_file()
        shown = artery(command, "--help").output
        assert all(option in shown for option in options if option.startswith("--"))
    assert artery("init", "--systemd", str(tmp_path)).exit_code == 5


@pytest.mark.parametrize("name", UNITS)
def test_systemd_finds_no_fault_and_little_exposure_in(name: str, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze")
    file = tmp_path / name
    file.write_text(unit(name, shutil.which("true") or "/bin/true"))
    verify = ["systemd-analyze", "verify", "--man=no", str(file)]
    done = subprocess.run(verify, capture_output=True, text=True)
    assert name not in done.stderr, done.stderr
    rate = ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(file)]
    done = subprocess.run(rate, capture_output=True, text=True)
    if "unrecognized option" in done.stderr:
        pytest.skip("systemd-analyze is older than 250")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", UNITS)
def test_credentials_of_the_units_are_those_that_are_looked_for(name: str) -> None:
    known = {credential for _, credential, _ in configuration.SHARED.values()}
    known |= set(configuration.CREDENTIALS.values())
    named = set(re.findall(r"^#?LoadCredential=([\w-]+):", unit(name, "x"), re.M))
    assert named <= known
    assert named


def test_every_help_teaches() -> None:
    """Each command says what it does; each option what it is for; groups show examples."""
    silent = []

    def look(command: click.Command, path: str) -> None:
        if not (command.help or "").strip():
            silent.append(path)
        if "\\b" in (command.help or ""):
            silent.append(f"{path}: its examples run together")
        for option in command.params:
            if isinstance(option, click.Option) and not option.help:
                silent.append(f"{path} {option.opts[0]}")
        if isinstance(command, click.Group):
            for name in command.list_commands(click.Context(command)):
                part = command.get_command(click.Context(command), name)
                assert part is not None
                look(part, f"{path} {name}")
                if command is not main and part.get_short_help_str(45).endswith("..."):
                    silent.append(f"{path} {name}: cut off in the list of {path}")
            if f"artery {path.partition(' ')[2]}".strip() not in (command.help or ""):
                silent.append(f"{path}: no example")
        elif f"{path} " not in (command.help or "") and "Examples: " not in (command.epilog or ""):
            silent.append(f"{path}: no example, nor where one is")

    look(main, "artery")
    assert not silent, "\n".join(silent)
