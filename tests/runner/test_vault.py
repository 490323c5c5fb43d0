"""Sealing binds a secret to its place; keys come from where nobody else reads; the commands keep
versions apart."""

from __future__ import annotations

import base64
import dataclasses
import json
import os

import psycopg
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from pg_artery import vault
from pg_artery.cli import main
from pg_artery.errors import ArteryError

PLACE = vault.Binding("MES_TOKEN", 3, 7, "https://mes.example/v1")
SECRET = "s3cret-ünd-long-enough"


@pytest.fixture
def keyring() -> vault.Keyring:
    return vault.Keyring(vault.new_key(), "the test")


def sqlstate(action, *arguments) -> str:
    with pytest.raises(ArteryError) as caught:
        action(*arguments)
    assert SECRET not in f"{caught.value.as_dict()}{caught.value!r}"
    return caught.value.sqlstate


@given(st.text(min_size=1))
def test_what_was_sealed_opens(secret):
    keyring = vault.Keyring(vault.new_key(), "the test")
    assert keyring.open(keyring.seal(PLACE, secret)) == secret


def test_the_same_secret_never_looks_the_same(keyring):
    sealed = {keyring.seal(PLACE, SECRET).ciphertext for _ in range(100)}
    assert len({text[: vault.NONCE_BYTES] for text in sealed}) == 100
    assert {len(text) for text in sealed} == {12 + len(SECRET.encode()) + 16}
    assert not any(SECRET.encode()[:8] in text for text in sealed)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "OTHER"},
        {"version": 4},
        {"endpoint_id": 8},
        {"endpoint_id": None},
        {"base_url": "https://evil.example/v1"},
        {"base_url": None},
    ],
)
def test_moved_it_does_not_open(keyring, change):
    sealed = keyring.seal(PLACE, SECRET)
    moved = dataclasses.replace(sealed, binding=dataclasses.replace(PLACE, **change))
    assert sqlstate(keyring.open, moved) == "IN035"


def test_no_changed_byte_goes_unnoticed(keyring):
    sealed = keyring.seal(PLACE, SECRET)
    for n in range(len(sealed.ciphertext)):
        bad = bytearray(sealed.ciphertext)
        bad[n] ^= 1
        assert sqlstate(keyring.open, dataclasses.replace(sealed, ciphertext=bytes(bad))) == "IN035"
    for length in range(40):
        cut = dataclasses.replace(sealed, ciphertext=sealed.ciphertext[:length])
        assert sqlstate(keyring.open, cut) == "IN035"


def test_the_first_key_seals_and_all_open(keyring):
    old, new = vault.new_key(), vault.new_key()
    before = vault.Keyring(old, "old")
    both = vault.Keyring(f"# new\n{new}\n\n{old}  # until rekey\n", "both")
    sealed = before.seal(PLACE, SECRET)
    assert both.open(sealed) == SECRET
    assert both.seal(PLACE, SECRET).key_id == both.primary != before.primary
    assert sqlstate(keyring.open, sealed) == "IN036"
    assert old not in repr(both)
    assert new not in repr(both)


def test_where_keys_come_from(tmp_path):
    keys = {name: vault.new_key() for name in ("file", "variable", "credential")}
    ids = {name: vault.Keyring(key, name).primary for name, key in keys.items()}
    for name in ("file", vault.CREDENTIAL):
        (tmp_path / name).write_text(keys["file" if name == "file" else "credential"])
        (tmp_path / name).chmod(0o600)
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert vault.load_keyring(None, environ).primary == ids["credential"]
    environ["ARTERY_VAULT_KEY"] = keys["variable"]
    assert vault.load_keyring(None, environ).primary == ids["variable"]
    environ["ARTERY_VAULT_KEY_FILE"] = str(tmp_path / "file")
    assert vault.load_keyring(None, environ).primary == ids["file"]
    assert (
        vault.load_keyring(str(tmp_path / vault.CREDENTIAL), environ).primary == ids["credential"]
    )


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o620, 0o601])
def test_a_key_file_that_others_can_open_is_refused(tmp_path, mode):
    file = tmp_path / "key"
    file.write_text(vault.new_key())
    file.chmod(mode)
    assert sqlstate(vault.load_keyring, str(file)) == "IN030"
    file.chmod(0o400)
    vault.load_keyring(str(file))


@pytest.mark.parametrize(
    "text", ["", "# none\n", "short", "!" * 44, base64.b64encode(b"x" * 31).decode(), "\xff" * 44]
)
def test_what_is_no_key_is_refused_and_not_shown(tmp_path, text):
    file = tmp_path / "key"
    file.write_bytes(text.encode("latin-1"))
    file.chmod(0o600)
    with pytest.raises(ArteryError) as caught:
        vault.load_keyring(str(file))
    assert caught.value.sqlstate == "IN030"
    assert not text.strip() or text not in str(caught.value.as_dict())
    assert sqlstate(vault.load_keyring, None, {}) == "IN030"
    assert sqlstate(vault.load_keyring, str(tmp_path / "none")) == "IN030"
    assert sqlstate(vault.load_keyring, str(tmp_path)) == "IN030"


# -- references ---------------------------------------------------------------------------------


def rows(keyring, *bindings):
    sealed = [(b, keyring.seal(b, f"{SECRET}-{b.version}")) for b in bindings]
    return [
        (b.name, b.version, s.key_id, b.endpoint_id, b.base_url, s.ciphertext) for b, s in sealed
    ]


def test_a_reference_gives_the_newest_first_and_only_to_its_endpoint(keyring):
    four = dataclasses.replace(PLACE, version=4)
    references = vault.References(rows(keyring, four, PLACE), lambda: keyring)
    assert references.resolve("vault:MES_TOKEN", 7, PLACE.base_url) == [
        f"{SECRET}-4",
        f"{SECRET}-3",
    ]
    for number, url in ((8, PLACE.base_url), (7, "https://evil.example/v1")):
        with pytest.raises(vault.Unresolved, match="bound to another"):
            references.resolve("vault:MES_TOKEN", number, url)
    with pytest.raises(vault.Unresolved, match="no such secret"):
        references.resolve("vault:NONE", 7, PLACE.base_url)


def test_a_version_before_under_a_key_that_is_gone_stops_nothing(keyring):
    other = vault.Keyring(vault.new_key(), "old")
    four = dataclasses.replace(PLACE, version=4)
    live = rows(keyring, four) + rows(other, PLACE)
    references = vault.References(live, lambda: keyring)
    assert references.resolve("vault:MES_TOKEN", 7, PLACE.base_url) == [f"{SECRET}-4"]


# -- commands -----------------------------------------------------------------------------------


@pytest.fixture
def artery(dsn, conn, tmp_path, monkeypatch):
    """Run `artery vault …` as an admin: artery("set", "T", value="…") gives exit code, JSON."""
    monkeypatch.setattr("sys.argv", ["artery", "--json"])  # where errors look for it
    conn.execute(
        "do $$ begin create role vault_admin login in role artery_admin;"
        " exception when duplicate_object then null; end $$"
    )
    key = tmp_path / "vault.key"

    def run(*arguments: str, value: str | None = None):
        result = CliRunner().invoke(
            main,
            ["vault", *arguments, "--json"],
            input=value,
            env={
                "ARTERY_DSN": psycopg.conninfo.make_conninfo(dsn, user="vault_admin"),
                "ARTERY_VAULT_KEY_FILE": str(key),
                "ARTERY_VAULT_KEY": None,
            },
        )
        assert SECRET not in result.output
        told = json.loads(result.stdout) if result.stdout[:1] == "{" else {}
        return result.exit_code, told

    assert run("keygen", str(key))[0] == 0
    assert key.stat().st_mode & 0o777 == 0o600
    run.key = key
    conn.execute(
        "insert into artery.endpoint (name, base_url) values ('mes', 'https://mes.example/v1')"
    )
    return run


def opened(conn, key, name: str) -> list[str]:
    keyring = vault.load_keyring(str(key))
    found = conn.execute("select * from artery.vault_secrets(array[%s])", (name,)).fetchall()
    return [keyring.open(vault.Sealed.of_row(row)) for row in found]


def test_the_life_of_a_secret(artery, conn):
    code, told = artery("set", "T", "--endpoint", "mes", value=f"{SECRET}1\n")
    assert (code, told["version"], told["base_url"]) == (0, 1, "https://mes.example/v1")
    assert artery("set", "T", value="x")[1]["error"]["sqlstate"] == "IN032"
    conn.execute("update artery.endpoint set auth_kind = 'bearer', secret_ref = 'vault:T'")
    assert artery("rotate", "T", value=f"{SECRET}2\r\n")[1]["used_by"] == ["mes"]
    assert opened(conn, artery.key, "T") == [f"{SECRET}2", f"{SECRET}1"]
    assert [s["state"] for s in artery("list")[1]["secrets"]] == ["previous", "current"]
    assert artery("retire", "T")[1]["retired"] == [1]
    assert opened(conn, artery.key, "T") == [f"{SECRET}2"]
    code, told = artery("retire", "T", "--all")
    assert (code, told["error"]["sqlstate"]) == (5, "IN033")
    conn.execute("update artery.endpoint set auth_kind = 'none', secret_ref = null")
    assert artery("retire", "T", "--all")[1]["retired"] == [2]
    assert artery("list")[1]["secrets"] == []
    assert len(artery("list", "--all")[1]["secrets"]) == 2
    assert artery("rotate", "T", value="x")[1]["error"]["sqlstate"] == "IN031"


def test_a_rotation_does_not_follow_an_endpoint_to_a_new_address(artery, conn):
    artery("set", "T", "--endpoint", "mes", value=SECRET)
    conn.execute("update artery.endpoint set base_url = 'https://evil.example/v1'")
    assert artery("rotate", "T", value=SECRET)[1]["error"]["sqlstate"] == "IN034"
    code, told = artery("rotate", "T", "--endpoint", "mes", value=SECRET)
    assert (code, told["base_url"]) == (0, "https://evil.example/v1")


def test_rekey_brings_all_under_the_new_key_or_none(artery, conn):
    for name in ("A", "B"):
        artery("set", name, value=f"{SECRET}{name}")
    artery("rotate", "B", value=f"{SECRET}B2")
    old = artery.key.read_text()
    assert artery("rekey")[1]["rekeyed"] == 0
    assert artery("keygen", str(artery.key))[1]["error"]["sqlstate"] == "IN030"
    assert artery.key.read_text() == old
    assert artery("keygen", "--add", str(artery.key))[0] == 0
    both = artery.key.read_text()
    assert both.split()[1:] == old.split()
    assert artery.key.stat().st_mode & 0o777 == 0o600
    assert artery("rekey")[1] == {
        "key_id": vault.load_keyring(str(artery.key)).primary, "rekeyed": 3, "live": 3,
    }  # fmt: skip
    artery.key.write_text(both.split()[0])
    assert opened(conn, artery.key, "B") == [f"{SECRET}B2", f"{SECRET}B"]
    artery.key.write_text(vault.new_key())
    code, told = artery("rekey")
    assert (code, told["error"]["sqlstate"]) == (1, "IN036")
    artery.key.write_text(both.split()[0])
    assert opened(conn, artery.key, "A") == [f"{SECRET}A"]


@pytest.mark.parametrize(
    "value", ["", "\n", "a\x00b", "x" * 65_537, "whsec_short", "whsec_" + "!" * 40]
)
def test_what_can_be_no_secret_is_refused(artery, value):
    code, told = artery("set", "T", value=value)
    assert (code, told["error"]["sqlstate"]) == (2, "IN037")
    assert artery("list", "--all")[1]["secrets"] == []


def test_a_value_given_as_an_argument_reaches_no_server(artery):
    assert artery("set", "T", SECRET)[0] == 2
    assert artery("set", "sk/live=1", value=SECRET)[0] == 2


def test_who_is_no_admin_is_refused(artery, dsn, conn):
    conn.execute(
        "do $$ begin create role vault_reader login in role artery_reader;"
        " exception when duplicate_object then null; end $$"
    )
    code, told = artery("list", "--dsn", psycopg.conninfo.make_conninfo(dsn, user="vault_reader"))
    assert (code, told["error"]["sqlstate"]) == (5, "42501")


def test_a_key_of_another_user_is_refused(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    file = tmp_path / "key"
    file.write_text(vault.new_key())
    file.chmod(0o600)
    os.chown(file, 12345, -1)
    assert sqlstate(vault.load_keyring, str(file)) == "IN030"
