"""What it takes to begin: a process to its first page, a demonstration from nothing."""

import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.measuring import FULL, Result, Sizes, measure, medians, seconds
from tests.databases import tables
from tests.faults.stage import staged
from tests.servers import Site, web
from tests.servers.site import ROOT
from tests.servers.waiting import answers

FIRST_PAGE = 1.5
DEMONSTRATION = 30


def _first_page(site: Site, path: str) -> float:
    def begin() -> None:
        site.start()
        assert answers(site.port, path) == 200

    site.stop()
    return seconds(begin)


@measure("start")
def start(sizes: Sizes) -> Iterator[Result]:
    """From the start of the server's process to its first page."""
    with (
        TemporaryDirectory() as name,
        staged("sqlite", Path(name)) as portal,
        web(app="tests.bench.empty:app", migrate=False, interface="wsgi") as bare,
    ):
        ours, theirs = medians(
            lambda: _first_page(portal.site, "/"), lambda: _first_page(bare, "/healthz"), rounds=sizes.rounds
        )
    yield Result("start", "s", ours, f"≤ {FIRST_PAGE} s", ours <= FIRST_PAGE, bare=theirs)


@measure("demonstration")
def demonstration(sizes: Sizes) -> Iterator[Result]:
    """The demonstration of 3,500 applications, on an empty database."""
    how = ["--applications", str(sizes.applications)] if sizes == FULL else ["--applications", "200", "--at", "end"]
    with TemporaryDirectory() as name:
        settings, folder = {"PORTAL_DEMONSTRATION": "1"}, Path(name)
        site = Site(folder, settings, app="app:app", workers=1, folder=ROOT, python=Path(sys.executable))
        tables(f"sqlite:///{folder / 'portal.sqlite3'}")
        ours = seconds(lambda: site.flask("demo", "load", *how))
    yield Result("demonstration", "s", ours, f"≤ {DEMONSTRATION} s", ours <= DEMONSTRATION)
