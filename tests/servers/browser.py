"""The system's Chromium."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

# As root there is no sandbox; and nothing may reach for the network by itself.
# How long a page may take on a machine that does much else, in ms. It costs nothing where all is well.
PATIENCE = 30_000
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def chromium_path() -> str:
    """The browser that tests drive: CHROMIUM if set, else the first installed one. Raises FileNotFoundError."""
    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    for name in filter(None, names):
        path = shutil.which(name)
        if path:
            return path
    raise FileNotFoundError("no Chromium is installed (on Debian: apt-get install chromium)")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser. Playwright allows one in a process: tests share it, each with contexts of its own."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


class Renderers:
    """The processes of a browser that begin to show pages after this, and what the kernel says that they take.

    Workers and their buffers live in them, and no counter inside of a page knows of all of it. A page in a context of
    its own has a process of its own, whose peak is nobody else's.
    """

    def __init__(self, browser: Browser) -> None:
        self._session = browser.new_browser_cdp_session()
        self._others = self._numbers()
        self._before: dict[int, int] = {}

    def begin(self) -> None:
        """Count from here on how much they grow. A page has to be there."""
        self._before = self._told("VmRSS")
        assert self._before

    def grown(self) -> int:
        """By how many bytes the one that grew most has been larger since then than it was, if only for a moment."""
        peaks = self._told("VmHWM")
        assert self._before.keys() <= peaks.keys(), "a process that was looked at has ended"
        return max(peak - self._before.get(number, 0) for number, peak in peaks.items())

    def _numbers(self) -> set[int]:
        listed = self._session.send("SystemInfo.getProcessInfo")["processInfo"]
        return {each["id"] for each in listed if each["type"] == "renderer"}

    def _told(self, name: str) -> dict[int, int]:
        """What each tells of itself under a name (see proc(5)), in bytes."""
        found = {}
        for number in self._numbers() - self._others:
            with suppress(OSError):  # ended meanwhile
                lines = Path(f"/proc/{number}/status").read_text().splitlines()
                (kibibytes,) = [line.split()[1] for line in lines if line.startswith(f"{name}:")] or ["0"]
                found[number] = int(kibibytes) * 1024
        return found
