"""A company's identity provider, a supplier platform, the ERP's side of both, and a browser."""

from __future__ import annotations

import contextlib
import html
import json
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb
from real_peers import node_program

USERS = ["alice", "bob"]
JWT = "urn:ietf:params:oauth:token-type:jwt"


class Sites:
    """tests/peers/sso.mjs as a process; `state` reads and sets what the platform does."""

    def __init__(self) -> None:
        command = [*node_program("sso.mjs"), json.dumps({"users": USERS})]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        idp, platform = self.process.stdout.readline().split()
        self.issuer = f"http://127.0.0.1:{idp}"
        self.home = f"http://localhost:{platform}"

    def state(self, **changes: Any) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.home}/admin", json.dumps(changes).encode()) as answer:
            return json.load(answer)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


def set_up_oidc(conn: psycopg.Connection, sites: Sites) -> None:
    conn.execute(
        "insert into artery_procurement.sso_platform"
        " (platform, method, allowed_urls, initiate_login_uri, issuer)"
        " values ('srm', 'oidc', array[%s], %s, %s)",
        (sites.home, f"{sites.home}/login", sites.issuer),
    )
    _enter_users(conn, "srm")


def set_up_token(conn: psycopg.Connection, sites: Sites, kind: str, **auth: Any) -> None:
    """Set up platform, route and endpoint, all called `kind`; its key is vault:SSO_KEY."""
    settings = {"token_url": f"{sites.home}/as/token", "issuer": f"{sites.home}/as"}
    settings |= {"client_id": "erp", "subject_from": "task", "key_id": "thumbprint"}
    if kind == "token_exchange":
        settings |= {"client_auth": "private_key_jwt", "subject_token_type": JWT}
    conn.execute(
        "insert into artery.endpoint (name, base_url, auth_kind, secret_ref, auth,"
        " logged_body_bytes, backoff_cap)"
        " values (%s, %s, %s, 'vault:SSO_KEY', %s, 0, '1 s')",
        (kind, f"{sites.home}/api/v1", kind, Jsonb(settings | auth)),
    )
    conn.execute(
        "insert into artery.route (topic, endpoint_id, path_template, reply_handler)"
        " select 'sso.' || e.name, e.id, '/launch',"
        " 'artery_procurement.handle_sso_reply(jsonb)' from artery.endpoint as e where e.name = %s",
        (kind,),
    )
    conn.execute(
        "insert into artery_procurement.sso_platform (platform, method, allowed_urls, topic)"
        " values (%s, 'token', array[%s], %s)",
        (kind, sites.home, f"sso.{kind}"),
    )
    _enter_users(conn, kind)


def _enter_users(conn: psycopg.Connection, platform: str) -> None:
    conn.execute(
        "insert into artery_procurement.sso_user (platform, user_name, subject)"
        " select %s, upper(u), u from unnest(%s || array['mallory']) as u",
        (platform, USERS),
    )


class Browser:
    """Debian's Chromium, headless."""

    def __init__(self) -> None:
        selenium = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
        driver, chromium = shutil.which("chromedriver"), shutil.which("chromium")
        if not (driver and chromium):
            pytest.skip("chromium and chromium-driver (Debian) are not installed")
        options = selenium.ChromeOptions()
        options.binary_location = chromium
        for argument in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "disable-gpu",
                         "disable-background-networking", "disable-component-update",
                         "no-first-run", "host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost,"
                         " EXCLUDE 127.0.0.1"):  # fmt: skip
            options.add_argument(f"--{argument}")
        self.driver = selenium.Chrome(options, selenium.ChromeService(driver))
        self.driver.set_page_load_timeout(20)

    def forget(self) -> None:
        """Be another person's browser."""
        self.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})

    def click(self, url: str) -> str:
        """Press the ERP's button; gives what the page then says."""
        page = f'<a id="button" href="{html.escape(url)}">Supplier portal</a>'
        self.driver.get(f"data:text/html,{urllib.parse.quote(page)}")
        self.driver.find_element("id", "button").click()
        return self.said()

    def said(self) -> str:
        heading = self.driver.find_elements("id", "said")
        return heading[0].text if heading else self.driver.title

    def log_in(self, name: str) -> str:
        """Fill in the company's login form; gives what the page after it says."""
        field = self.driver.find_element("id", "name")
        field.clear()
        field.send_keys(name)
        self.driver.find_element("id", "go").click()
        return self.said()


@contextlib.contextmanager
def browsing() -> Iterator[Browser]:
    browser = Browser()
    try:
        yield browser
    finally:
        browser.driver.quit()
