"""A real browser, driven by W3C WebDriver over plain HTTP, that sees this machine only.

Debian's Chromium and its chromedriver; nothing is downloaded. Every name but loopback's
is unknown to it, so a page that fetches something from elsewhere fails to.
"""

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.support.daemon import wait_until

ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_KEYS = {"tab": "\ue004", "space": " ", "enter": "\ue007", "down": "\ue015"}


def programs() -> tuple[str, str] | None:
    """Where the browser and its driver are, if both are installed."""
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    return (browser, driver) if browser and driver else None


class NotDone(Exception):
    """The browser did not do what it was told."""


@dataclass
class Browser:
    """One window of a driver on a port of this machine."""

    port: int
    session: str = ""

    def call(self, method: str, path: str, **body: Any) -> Any:
        """Send one command of WebDriver; raises NotDone when it fails."""
        content = json.dumps(body).encode() if method == "POST" else None
        driver = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            kind = {"Content-Type": "application/json"}
            driver.request(method, self.session + path, content, kind)
            answer = driver.getresponse()
            value = json.load(answer)["value"]
        finally:
            driver.close()
        if answer.status != 200:
            raise NotDone(f"{value['error']}: {value['message'][:500]}")
        return value

    def devtools(self, command: str, **parameters: Any) -> Any:
        """Send one command of the developer tools."""
        return self.call("POST", "/goog/cdp/execute", cmd=command, params=parameters)

    def look_like(self, width: int, *, dark: bool) -> None:
        """Be a screen of this width (CSS pixels) that prefers light or dark."""
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=844,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.devtools("Emulation.setEmulatedMedia", features=[scheme])

    def without_scripts(self) -> None:
        """Run no script of any page."""
        self.devtools("Emulation.setScriptExecutionDisabled", value=True)

    def open(self, url: str) -> None:
        """Go to a page and wait for it."""
        self.call("POST", "/url", url=url)

    def find(self, css: str) -> str:
        """Return the first element."""
        found = self.call("POST", "/element", using="css selector", value=css)
        return str(found[_ELEMENT])

    def click(self, css: str) -> None:
        """Click on the first element."""
        self.call("POST", f"/element/{self.find(css)}/click")

    def write(self, css: str, text: str) -> None:
        """Type into the first element."""
        self.call("POST", f"/element/{self.find(css)}/value", text=text)

    def press(self, *keys: str) -> None:
        """Press keys one after the other, wherever the focus is."""
        actions = [
            {"type": kind, "value": _KEYS[key]}
            for key in keys
            for kind in ("keyDown", "keyUp")
        ]
        source = {"type": "key", "id": "keyboard", "actions": actions}
        self.call("POST", "/actions", actions=[source])

    def text(self, css: str = "main") -> str:
        """What a person reads."""
        return str(self.call("GET", f"/element/{self.find(css)}/text"))

    def wait_for(self, words: str, css: str = "main") -> None:
        """Wait until a person reads these words."""

        def read() -> bool:
            try:
                return words in self.text(css)
            except NotDone:
                # The page before has gone and the next one is not there yet.
                return False

        wait_until(read)

    def ask(self, script: str) -> Any:
        """Return what an expression says; the driver's own world, not the page's."""
        return self.call(
            "POST", "/execute/sync", script=f"return {script.strip()}", args=[]
        )

    def logged(self) -> list[str]:
        """What the browser complained of since it was asked last."""
        entries = self.call("POST", "/se/log", type="browser")
        return [str(entry["message"]) for entry in entries]

    def picture(self, file: Path) -> None:
        """Take a picture of the whole page."""
        height = self.ask("document.documentElement.scrollHeight")
        width = self.ask("document.documentElement.clientWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        shot = self.devtools(
            "Page.captureScreenshot", captureBeyondViewport=True, clip=clip
        )
        file.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def browsing(folder: Path, more: Sequence[str] = ()) -> Iterator[Browser]:
    """Start a driver and a browser whose files are below `folder`; end both."""
    found = programs()
    assert found, "Chromium is not installed here; tests/servers.sh installs it"
    driver, port = _driver(found[1], folder)
    try:
        yield from _session(port, found[0], folder, more)
    finally:
        driver.terminate()
        driver.wait(30)


def _driver(program: str, folder: Path) -> tuple["subprocess.Popen[bytes]", int]:
    """Start the driver; return it with its port.

    It takes a free port of IPv6 and then wants the same one of IPv4, which somebody
    else may have: then it ends, and is started again.
    """
    for turn in range(10):
        log = folder / f"chromedriver{turn}.log"
        with log.open("wb") as out:
            driver = subprocess.Popen(
                [program, "--port=0"], stdout=out, stderr=subprocess.STDOUT, cwd=folder
            )
        wait_until(lambda d=driver, f=log: _port(f) or d.poll() is not None)
        if port := _port(log):
            return driver, int(port)
    raise AssertionError(f"chromedriver does not start; see {folder}")


def _port(log: Path) -> str | None:
    found = re.search(r"started successfully on port (\d+)", log.read_text())
    return found[1] if found else None


def _session(
    port: int, binary: str, folder: Path, more: Sequence[str]
) -> Iterator[Browser]:
    options = {
        "binary": binary,
        "args": [*ARGUMENTS, f"--user-data-dir={folder / 'profile'}", *more],
    }
    wanted = {
        "goog:chromeOptions": options,
        "goog:loggingPrefs": {"browser": "ALL"},
    }
    made = Browser(port).call("POST", "/session", capabilities={"alwaysMatch": wanted})
    window = Browser(port, f"/session/{made['sessionId']}")
    try:
        yield window
    finally:
        window.call("DELETE", "")
