"""What it takes to begin: a process to its first page, a demonstration from nothing."""

from tests.bench.measuring import Result, measure, medians, seconds
from tests.servers import Site, web
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
def start() -> Result:
    """From the start of the server's process to its first page."""
    with web() as portal, web(app="tests.bench.bare:app", migrate=False) as bare:
        ours, theirs = medians(lambda: _first_page(portal, "/"), lambda: _first_page(bare, "/healthz"))
    return Result("start", "s", ours, f"≤ {FIRST_PAGE} s", ours <= FIRST_PAGE, bare=theirs)


@measure("demonstration")
def demonstration() -> Result:
    """The demonstration of 3,500 applications, on an empty database."""
    with web({"PORTAL_DEMONSTRATION": "1"}) as portal:
        ours = seconds(lambda: portal.flask("demo", "load", "--applications", "3500"))
    return Result("demonstration", "s", ours, f"≤ {DEMONSTRATION} s", ours <= DEMONSTRATION)
