"""A click in the ERP, and the user is signed in on the supplier platform; nobody else ever is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import psycopg
import pytest
from oauth_harness import PEM
from sso_world import Sites, browsing, set_up_oidc, set_up_token

from pg_artery import vault

pytestmark = pytest.mark.one_server


@pytest.fixture(scope="module")
def sites():
    running = Sites()
    yield running
    running.close()


@pytest.fixture(scope="module")
def browser():
    with browsing() as one:
        yield one


@pytest.fixture(autouse=True)
def fresh(sites: Sites) -> None:
    sites.state(codeTtl=60, slow=0, audience="platform", launchTtl=60_000, tokenDelay=0, foreign="")
    sites.state(users=["alice", "bob"], errors=[], signedIn=[], assertions=[], launches=0)


@pytest.fixture
def erp(connect, conn) -> psycopg.Connection:
    conn.execute("drop role if exists sso_erp")
    conn.execute("create role sso_erp login in role artery_app")
    yield connect(user="sso_erp")
    conn.execute("drop role sso_erp")


def launch(erp, platform="srm", user="ALICE", target=None):
    query = "select artery_api_v1.sso_launch(%s, %s, %s)"
    return erp.execute(query, (platform, user, target)).fetchone()[0]


def fetch(erp, ticket, user="ALICE", wait="5 s"):
    query = "select artery_api_v1.sso_launch_url(%s, %s, %s)"
    return erp.execute(query, (ticket, user, wait)).fetchone()[0]


# -- OpenID Connect, third-party-initiated: SQL alone


def test_one_click_and_signed_in_through_the_companys_provider(erp, conn, sites, browser):
    set_up_oidc(conn, sites)
    browser.forget()
    assert browser.click(launch(erp)["url"]) == "Company login"
    assert browser.log_in("alice") == "Signed in as alice", sites.state()["errors"]
    # logged in there for the day: from now on it is the one click
    target = f"{sites.home}/orders/7?tab=asn&x=1"
    assert browser.click(launch(erp, target=target)["url"]) == "Signed in as alice"
    assert browser.driver.current_url == target
    rows = conn.execute(
        "select user_name, subject, status, requested_by, target_url"
        " from artery_procurement.sso_launch order by id"
    ).fetchall()
    assert rows == [
        ("ALICE", "alice", "launched", "sso_erp", None),
        ("ALICE", "alice", "launched", "sso_erp", target),
    ]

    # another person at the ERP, in a browser where the company's session is alice's
    assert browser.click(launch(erp, user="BOB")["url"]) == "Refused: you are somebody else"
    assert [user for user, _ in sites.state()["signedIn"]] == ["alice", "alice"]


def test_replayed_expired_and_misdirected_answers_sign_nobody_in(erp, conn, sites, browser):
    set_up_oidc(conn, sites)
    browser.forget()
    browser.click(launch(erp)["url"])
    browser.log_in("alice")
    sites.state(signedIn=[])
    # the platform's view of a login whose answer it has had: by its state, once
    sites.state(slow=2000, codeTtl=1)
    assert browser.click(launch(erp)["url"]) == "Refused: invalid_grant"
    spent = browser.driver.current_url
    assert "/callback?" in spent
    sites.state(slow=0, codeTtl=60)
    browser.driver.get(spent)
    assert browser.said() == "Refused: this login was used already"
    sites.state(audience="another")
    assert browser.click(launch(erp)["url"]).endswith("aud")
    sites.state(audience="platform")
    url = launch(erp)["url"].replace(
        urllib.parse.quote(sites.issuer, ""), "https%3A%2F%2Fx.example"
    )
    assert browser.click(url) == "Unknown issuer"
    assert sites.state()["signedIn"] == []


# -- by token: the runner signs on, the platform gives a one-time URL


@pytest.fixture
def keep(dsn, tmp_path):
    """Run `artery` as a process with a vault key: keep("vault", "set", "S", value="…")."""
    key = tmp_path / "vault.key"
    key.write_text(vault.new_key())
    key.chmod(0o600)

    def run(*arguments: str, value: str = "") -> str:
        command = [sys.executable, "-m", "pg_artery", *arguments, "--dsn", dsn]
        env = {**os.environ, "ARTERY_VAULT_KEY_FILE": str(key)}
        done = subprocess.run(
            command, input=value, text=True, capture_output=True, timeout=60, env=env
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    run.key = key
    return run


@pytest.fixture
def set_up(conn, sites, keep, artery_run, dsn):
    def make(kind: str, **auth):
        set_up_token(conn, sites, kind, **auth)
        keep("vault", "set", "SSO_KEY", "--endpoint", kind, value=PEM["ES256"])
        sites.state(keys=json.loads(keep("jwks", kind)))
        return artery_run(dsn, "--vault-key-file", str(keep.key)).wait_started()

    return make


def opened(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.mark.parametrize("kind", ["jwt_bearer", "token_exchange"])
def test_one_click_and_signed_in_by_a_token_about_the_user(
    erp, conn, sites, browser, set_up, kind, cluster
):
    running = set_up(kind)
    browser.forget()
    begun = time.monotonic()
    ticket = launch(erp, kind, target=f"{sites.home}/orders")["ticket"]
    answer = fetch(erp, ticket)
    took = time.monotonic() - begun
    assert answer["status"] == "ready", (answer, sites.state()["errors"])
    assert took < 2, took
    assert browser.click(answer["url"]) == "Signed in as alice"
    assert browser.driver.current_url == f"{sites.home}/orders"

    # the link again; the ticket again; the ticket in another's hand; the assertion again
    browser.forget()
    assert browser.click(answer["url"]) == "Refused: this link was used already"
    with pytest.raises(psycopg.Error, match="used already") as refusal:
        fetch(erp, ticket)
    assert refusal.value.sqlstate == "IN656"
    ticket = launch(erp, kind)["ticket"]
    with pytest.raises(psycopg.Error, match="no such ticket") as refusal:
        fetch(erp, ticket, user="BOB")
    assert refusal.value.sqlstate == "IN655"
    use, assertion = sites.state()["assertions"][-1]
    assert use == {"jwt_bearer": "assertion", "token_exchange": "subject"}[kind]
    grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    form = urllib.parse.urlencode({"grant_type": grant, "assertion": assertion}).encode()
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(f"{sites.home}/as/token", form)
    assert sites.state()["errors"][-1] == "the assertion was used already"

    if kind == "jwt_bearer":
        of_two_at_once_and_of_late_ones(erp, sites, browser, ticket)
    else:
        assert fetch(erp, ticket)["status"] == "ready"
    assert running.end(15) == 0
    assert conn.execute(
        "select count(*) from artery_procurement.sso_launch where url is not null"
    ).fetchone() == (0,)
    for text in (cluster.log, running.log.read_text()):
        assert answer["url"] not in text
        assert assertion not in text
    log = conn.execute("select string_agg(c::text, ' ') from artery.cloud_log as c").fetchone()[0]
    assert "/launch/" not in log
    assert assertion[:20] not in log


def of_two_at_once_and_of_late_ones(erp, sites, browser, ticket):
    kind = "jwt_bearer"
    url = fetch(erp, ticket)["url"]
    sites.state(launchTtl=-1)
    late = fetch(erp, launch(erp, kind)["ticket"])["url"]
    assert opened(late)[0] == 410
    assert browser.click(url) == "Signed in as alice"

    # two at once, each with a token of its own
    sites.state(tokenDelay=300)
    begun = time.monotonic()
    tickets = {user: launch(erp, kind, user)["ticket"] for user in ("ALICE", "BOB")}
    urls = {user: fetch(erp, ticket, user)["url"] for user, ticket in tickets.items()}
    assert time.monotonic() - begun < 0.9
    sites.state(launchTtl=60_000)
    assert len(set(urls.values())) == 2


def test_whom_the_platform_does_not_know_is_told_so_at_once(erp, conn, sites, set_up):
    set_up("jwt_bearer")
    answer = fetch(erp, launch(erp, "jwt_bearer", "MALLORY")["ticket"], "MALLORY")
    assert answer["status"] == "failed"
    assert [r["code"] for r in answer["reasons"]] == ["IN658"]
    assert "no user mallory" in answer["reasons"][0]["message"]
    # a URL that is none of the platform's
    sites.state(foreign="https://evil.example")
    answer = fetch(erp, launch(erp, "jwt_bearer")["ticket"])
    assert [r["code"] for r in answer["reasons"]] == ["IN653"]
    assert "evil" not in json.dumps(answer)
    sites.state(foreign="")
    # made out to somebody else
    conn.execute('update artery.endpoint set auth = auth || \'{"issuer": "https://x.example"}\'')
    answer = fetch(erp, launch(erp, "jwt_bearer")["ticket"])
    assert "aud" in answer["reasons"][0]["message"]
    assert sites.state()["signedIn"] == []


def test_a_launch_that_nobody_answers_ends(erp, conn, sites, set_up):
    running = set_up("jwt_bearer")
    assert running.end(15) == 0
    conn.execute("update artery_procurement.sso_platform set valid_for = '5 s'")
    begun = launch(erp, "jwt_bearer")
    assert fetch(erp, begun["ticket"], wait="50 ms")["status"] == "waiting"
    conn.execute(
        "update artery_procurement.sso_launch set expires_at = clock_timestamp() - interval '1 s'"
    )
    with pytest.raises(psycopg.Error, match="expired") as refusal:
        fetch(erp, begun["ticket"])
    assert refusal.value.sqlstate == "IN657"
    conn.execute("select artery_procurement.expire_sso(clock_timestamp() + interval '5 s')")
    assert conn.execute("select status from artery.integration_task").fetchone() == ("cancelled",)
    assert conn.execute("select status from artery_procurement.sso_launch").fetchone() == (
        "expired",
    )


def test_a_key_is_replaced_without_a_refused_call(erp, conn, sites, set_up, keep, tmp_path):
    set_up("jwt_bearer")
    new = tmp_path / "new.pem"
    new.write_text(PEM["RS256"])
    both = json.loads(keep("jwks", "--next", str(new)))
    assert [key["kty"] for key in both["keys"]] == ["RSA", "EC"]
    assert len({key["kid"] for key in both["keys"]}) == 2
    assert not any({"d", "p", "q"} & key.keys() for key in both["keys"])
    sites.state(keys=both)
    assert fetch(erp, launch(erp, "jwt_bearer")["ticket"])["status"] == "ready"
    keep("vault", "rotate", "SSO_KEY", value=PEM["RS256"])
    conn.execute("update artery.endpoint set max_attempts = max_attempts")  # taken up at once
    assert fetch(erp, launch(erp, "jwt_bearer")["ticket"])["status"] == "ready"
    # in an hour: the old one is gone here and there
    assert json.loads(keep("jwks"))["keys"] == both["keys"]
    keep("vault", "retire", "SSO_KEY")
    alone = json.loads(keep("jwks"))
    assert alone["keys"] == both["keys"][:1]
    sites.state(keys=alone)
    assert fetch(erp, launch(erp, "jwt_bearer")["ticket"])["status"] == "ready"
    kids = {json.loads(vault.base64.urlsafe_b64decode(token.split(".")[0] + "=="))["kid"]
            for _, token in sites.state()["assertions"]}  # fmt: skip
    assert kids == {key["kid"] for key in both["keys"]}
