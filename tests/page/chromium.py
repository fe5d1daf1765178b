"""Headless Chromium over its debugging pipe (the DevTools protocol): what a reader of a page would see and do."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_PATIENCE = 60.0  # seconds for one answer, on a machine that does other things too
_FLAGS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",  # a container's root has no other way
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--no-first-run",
    "--force-device-scale-factor=1",
    "--disable-background-networking",
    "--disable-component-update",
)
# Chromium reads commands from descriptor 3 and answers on 4.
_LAUNCH = """
import os, sys
ends = [os.dup(int(end)) for end in sys.argv[1:3]]
apart = [os.dup2(end, 40 + index) for index, end in enumerate(ends)]
for index, end in enumerate(apart):
    os.dup2(end, 3 + index)
os.execv(sys.argv[3], sys.argv[3:])
"""


def find_chromium() -> str | None:
    """The program's path; None where there is none."""
    return next((path for path in map(shutil.which, PROGRAMS) if path), None)


class Page:
    """One tab. `messages` holds what its console and its exceptions said, `requests` every address it asked for."""

    def __init__(self, program: str, profile: Path, size: tuple[int, int] = (1280, 900)) -> None:
        (theirs_in, self._write), (self._read, theirs_out) = os.pipe(), os.pipe()
        flags = (*_FLAGS, f"--user-data-dir={profile}", f"--window-size={size[0]},{size[1]}", "about:blank")
        call = [sys.executable, "-c", _LAUNCH, str(theirs_in), str(theirs_out), program, *flags]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(call, pass_fds=(theirs_in, theirs_out), stdout=quiet, stderr=quiet)
        os.close(theirs_in)
        os.close(theirs_out)
        self._buffer, self._number, self._session = b"", 0, ""
        self.events: list[dict[str, Any]] = []
        tab = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=tab, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._session = ""
        try:
            self.send("Browser.close")
            self._process.wait(20)
        except (OSError, RuntimeError, TimeoutError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        os.close(self._read)
        os.close(self._write)

    def send(self, method: str, **parameters: object) -> dict[str, Any]:
        """The result of one command; events that come meanwhile are kept. Raises RuntimeError where it fails."""
        self._number += 1
        message: dict[str, object] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return dict(answer["result"])
            self.events.append(answer)

    def open(self, file: Path) -> float:
        """Load a local file; the milliseconds from the navigation's start to the end of its load event."""
        self.events.clear()
        self.send("Page.navigate", url=file.resolve().as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._receive())
        while not (ended := self.run("performance.getEntriesByType('navigation')[0].loadEventEnd")):
            time.sleep(0.01)
        return float(ended)

    def run(self, script: str) -> Any:  # noqa: ANN401  (whatever the script gives)
        """The value of a JavaScript expression, a promise awaited. Raises RuntimeError where it throws."""
        answer = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"])[:500])
        return answer["result"].get("value")

    def prefer(self, scheme: str) -> None:
        """What the system prefers: "light" or "dark"."""
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def resize(self, width: int, height: int) -> None:
        """The window's size in CSS pixels."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def drag(self, start: tuple[float, float], end: tuple[float, float] | None = None) -> None:
        """Press the left mouse button at `start` and release it at `end`; a click where that is None."""
        self._mouse("mouseMoved", start)
        self._mouse("mousePressed", start)
        if end is not None:
            for share in (0.25, 0.5, 0.75, 1.0):
                self._mouse(
                    "mouseMoved", (start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1]))
                )
        self._mouse("mouseReleased", end or start)

    def _mouse(self, kind: str, at: tuple[float, float]) -> None:
        button = "none" if kind == "mouseMoved" else "left"
        self.send("Input.dispatchMouseEvent", type=kind, x=at[0], y=at[1], button=button, buttons=1, clickCount=1)

    def screenshot(self, *, whole: bool = False) -> bytes:
        """A PNG of the window, or of the whole page."""
        return base64.b64decode(self.send("Page.captureScreenshot", captureBeyondViewport=whole)["data"])

    def pdf(self) -> bytes:
        """The page as it prints, on A4."""
        size = {"paperWidth": 8.27, "paperHeight": 11.69, "printBackground": True}
        return base64.b64decode(self.send("Page.printToPDF", **size)["data"])

    @property
    def messages(self) -> list[str]:
        """What the console, the log and uncaught exceptions said since the page was opened."""
        self.run("0")
        kinds = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
        return [json.dumps(event["params"]) for event in self.events if event.get("method") in kinds]

    @property
    def requests(self) -> list[str]:
        """Every address asked for since the page was opened."""
        sent = (event for event in self.events if event.get("method") == "Network.requestWillBeSent")
        return [event["params"]["request"]["url"] for event in sent]

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            if not select.select([self._read], [], [], _PATIENCE)[0]:
                raise TimeoutError("Chromium does not answer")
            data = os.read(self._read, 1 << 20)
            if not data:
                raise RuntimeError("Chromium has ended")
            self._buffer += data
        message, _, self._buffer = self._buffer.partition(b"\0")
        return dict(json.loads(message))
