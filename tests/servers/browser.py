"""The system's Chromium."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

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
