"""The system's Chromium."""

import os
import shutil


def chromium_path() -> str:
    """The browser that tests drive: CHROMIUM if set, else the first installed one. Raises FileNotFoundError."""
    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    for name in filter(None, names):
        path = shutil.which(name)
        if path:
            return path
    raise FileNotFoundError("no Chromium is installed (on Debian: apt-get install chromium)")
