"""Debian's Chromium, driven: looks for what people see, notes where its requests went."""

from __future__ import annotations

import base64
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select

from npm_peers import BUILD, installed

MISSING = "Chromium and chromedriver are missing (Debian: chromium, chromium-driver)"


def programs() -> tuple[str, str] | None:
    """Chromium and its driver, or None."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    return (chromium, driver) if chromium and driver else None


class Browser:
    """One Chromium, for all tests; it resolves no name, so that nothing can leave this host."""

    def __init__(self, chromium: str, chromedriver: str, profile: Path) -> None:
        os.environ["NO_PROXY"] = "127.0.0.1,localhost"
        options = Options()
        options.binary_location = chromium
        for argument in (
            "headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "no-first-run",
            "no-proxy-server", "disable-background-networking", "disable-component-update",
            "disable-sync", "disable-default-apps", "lang=en-US", "hide-scrollbars",
            "host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1", f"user-data-dir={profile}",
        ):  # fmt: skip
            options.add_argument(f"--{argument}")
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        self.driver = webdriver.Chrome(options, Service(chromedriver))
        self.driver.set_window_size(1280, 900)
        self.url = ""

    def clear(self, url: str) -> None:
        """Begin anew with the page at `url`, knowing nobody."""
        self.url = url
        self.cdp("Network.clearBrowserCookies")
        self.look()
        self.driver.get_log("performance")
        self.driver.get_log("browser")

    def cdp(self, command: str, **values: Any) -> Any:
        return self.driver.execute_cdp_cmd(command, values)

    def look(self, *, dark: bool = False, phone: bool = False) -> None:
        """By day or by night; on a desk or on a phone."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.cdp("Emulation.setEmulatedMedia", features=[scheme])
        self.cdp("Emulation.clearDeviceMetricsOverride")
        if phone:
            size = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
            self.cdp("Emulation.setDeviceMetricsOverride", **size)

    def open(self, path: str) -> None:
        self.driver.get(self.url + path)

    @property
    def text(self) -> str:
        return self.driver.find_element(By.TAG_NAME, "body").text

    def find(self, css: str, text: str = "") -> WebElement:
        """The first element that shows `text`; waits for it."""

        def found() -> WebElement | None:
            elements = self.driver.find_elements(By.CSS_SELECTOR, css)
            return next((e for e in elements if text in e.text), None)

        return self.wait(found, f"{css} with {text!r}")

    def click(self, css: str, text: str = "") -> None:
        """Click on the first element that shows `text`, once it is there."""
        self.wait(lambda: self.find(css, text).click() or True, f"to click {css} with {text!r}")

    def read(self, css: str, text: str = "") -> str:
        """What the first element says that shows `text`, once it is there."""
        return str(self.wait(lambda: self.find(css, text).text, f"to read {css} with {text!r}"))

    def value(self, css: str) -> str:
        """What a field holds, once it is there."""
        return str(self.wait(lambda: self.find(css).get_attribute("value"), f"the value of {css}"))

    def type(self, css: str, keys: str) -> None:
        """Type into a field, once it is there."""
        self.wait(lambda: self.find(css).send_keys(keys) or True, f"to type into {css}")

    def choose(self, css: str, value: str) -> None:
        """Pick from a list, once it is there."""
        self.wait(
            lambda: Select(self.find(css)).select_by_value(value) or True,
            f"to choose {value!r} of {css}",
        )

    def wait(self, condition: Callable[[], Any], what: str, limit: float = 10) -> Any:
        deadline = time.monotonic() + limit
        while True:
            try:
                if result := condition():
                    return result
            except Exception as error:  # replaced while it was looked at, for one
                what = f"{what} ({error})"
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {limit} s: {what}; on the page:\n{self.text}")
            time.sleep(0.05)

    def act(self, label: str, why: str, **fields: str) -> None:
        """Open an action, fill it in as a person would, and confirm."""

        def acted() -> bool:
            action = self.find("details.action", label)
            if not action.get_attribute("open"):
                action.find_element(By.TAG_NAME, "summary").click()
            for name, value in {"who": "Li Wei", "why": why, **fields}.items():
                field = action.find_element(By.NAME, name)
                field.clear()
                field.send_keys(value)
            action.find_element(By.TAG_NAME, "button").click()
            return True

        # the page may be renewed under our hands
        self.wait(acted, f"to act: {label}")

    def requests(self) -> list[str]:
        """URLs that were asked for since clear()."""
        events = [json.loads(e["message"])["message"] for e in self.driver.get_log("performance")]
        sent = [e["params"] for e in events if e["method"] == "Network.requestWillBeSent"]
        return [p["request"]["url"] for p in sent]

    def foreign(self) -> set[str]:
        """Requests since clear() that went anywhere but to the page's own host."""
        own = urlsplit(self.url).netloc
        urls = {u for u in self.requests() if urlsplit(u).scheme not in ("data", "chrome", "about")}
        return {url for url in urls if urlsplit(url).netloc != own}

    def complaints(self) -> list[str]:
        """What the console says: refused by the policy, failed, thrown."""
        return [e["message"] for e in self.driver.get_log("browser") if e["level"] == "SEVERE"]

    def axe(self) -> list[str]:
        """axe-core's findings on the open page: serious and critical ones."""
        installed()
        script = (BUILD / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
        # by the debugger: the page's own policy would refuse a foreign script
        self.cdp("Runtime.evaluate", expression=script)
        found = self.cdp(
            "Runtime.evaluate", expression="axe.run().then(r => JSON.stringify(r.violations))",
            awaitPromise=True, returnByValue=True,
        )  # fmt: skip
        return [
            f"{v['id']}: {node['html']} {node.get('failureSummary', '')}"
            for v in json.loads(found["result"]["value"])
            for node in v["nodes"]
            if v["impact"] in ("serious", "critical")
        ]

    def photograph(self, file: Path) -> None:
        """A picture of the whole page."""
        self.wait(
            lambda: self.driver.execute_script("return document.fonts.status") == "loaded", ""
        )
        size = self.cdp("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        shot = self.cdp("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(shot["data"]))
