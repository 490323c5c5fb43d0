"""What all commands have in common: JSON, exit codes, completion in a real shell."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from pg_artery.cli import main

pytestmark = pytest.mark.one_server

ARTERY = Path(sys.executable).with_name("artery")
#: what they need besides --dsn and --json, where nothing would do
GIVEN = {
    ("bom", "diff"): ("PUMP", "A", "B"), ("bom", "tree"): ("PUMP",), ("mo", "show"): ("MO-1",),
    ("invoice", "show"): ("7",), ("saga", "show"): ("7",), ("task", "show"): ("7",),
    ("endpoint", "show"): ("mes",), ("endpoint", "check"): ("mes",), ("route", "show"): ("a.b",),
    ("staging", "show"): ("artery_staging.plm_bom", "7"), ("attachment", "get"): ("7",),
}  # fmt: skip
#: these change something, last, or make something; each has tests of its own
OTHERS = {
    ("adopt",), ("archive", "restore"), ("archive", "run"), ("arm",), ("bom", "import"), ("demo",),
    ("disarm",), ("endpoint", "add"), ("endpoint", "close"), ("endpoint", "open"),
    ("endpoint", "set"), ("migrate", "rollback"), ("route", "add"), ("route", "set"),
    ("saga", "compensate"), ("saga", "resolve"), ("saga", "resume"), ("staging", "correct"),
    ("staging", "reprocess"), ("task", "cancel"), ("task", "hold"), ("task", "release"),
    ("task", "resolve"), ("task", "retry"), ("vault", "keygen"), ("vault", "rekey"),
    ("vault", "retire"), ("vault", "rotate"), ("vault", "set"), ("archive", "verify"),
}  # fmt: skip


def leaves(command: click.Command = main, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The commands that take --json, as they are typed."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            part = command.get_command(context, name)
            assert part is not None
            yield from leaves(part, (*path, name))
    elif any(option.name == "as_json" for option in command.params):
        yield path


LOOKING = [path for path in leaves() if path not in OTHERS]


def ask(path: tuple[str, ...], dsn: str, monkeypatch: pytest.MonkeyPatch) -> Result:
    words = [*path, *GIVEN.get(path, ()), "--json", "--dsn", dsn]
    monkeypatch.setattr(sys, "argv", ["artery", *words])  # where errors look for --json
    return CliRunner().invoke(main, words)


def test_none_is_forgotten() -> None:
    assert set(leaves()) >= OTHERS | GIVEN.keys()
    assert len(LOOKING) > 20


@pytest.mark.parametrize("path", LOOKING, ids=" ".join)
def test_json_is_one_object_whatever_happens(
    path: tuple[str, ...], dsn: str, cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a fresh database, on one without us, and without a server; with the exit code of each."""
    found = ask(path, dsn, monkeypatch)
    told = json.loads(found.stdout)
    assert isinstance(told, dict)
    assert (found.exit_code in (1, 2, 5)) or "error" not in told, told
    for where, code, state in (
        (cluster.dsn("postgres"), 4, "IN912"), ("host=/nowhere dbname=erp", 3, "08"),
    ):  # fmt: skip
        if path in (("migrate", "status"), ("doctor",)) and code == 4:
            continue  # they say what lacks
        found = ask(path, where, monkeypatch)
        told = json.loads(found.stdout)
        assert found.exit_code == code, found.output
        assert told["error"]["sqlstate"].startswith(state)
        assert told["error"]["hint"]


def test_wrong_usage_is_two_everywhere() -> None:
    for path in leaves():
        assert CliRunner().invoke(main, [*path, "--no-such-option"]).exit_code == 2, path


ASKED = {
    "artery task re": "release resolve retry",
    "artery endpoint show ca": "carrier",
    "artery logs --fo": "--follow",
    "artery task list --status de": "dead",
}


def test_bash_completes(dsn: str, conn) -> None:
    """Asked as it asks when somebody presses the tab key."""
    conn.execute(
        "insert into artery.endpoint (name, base_url) values ('carrier', 'https://c.example/v1')"
    )
    script = f"""
        eval "$({ARTERY} completion bash)"
        read -r _ _ _ _ asks _ <<< "$(complete -p artery)"
        while read -r line; do
            read -ra COMP_WORDS <<< "$line"
            COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
            COMPREPLY=()
            "$asks" artery </dev/null
            echo "${{COMPREPLY[*]}}"
        done
    """
    env = os.environ | {"PATH": f"{ARTERY.parent}:{os.environ['PATH']}", "ARTERY_DSN": dsn}
    done = subprocess.run(
        ["bash", "--norc", "-c", script], input="\n".join([*ASKED, ""]), env=env,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == list(ASKED.values())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_of_its_shell(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is missing (Debian: {shell})")
    script = tmp_path / "script"
    script.write_text(CliRunner().invoke(main, ["completion", shell]).output)
    assert subprocess.run([shell, "-n", str(script)], timeout=20).returncode == 0
