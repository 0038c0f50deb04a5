"""Applications: the staff's list of them, and handing one in."""

import re
import secrets
from collections.abc import Iterator
from functools import partial
from html import unescape
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlencode

import sqlalchemy as sa

from portal.applications.models import Application
from portal.applications.states import ApplicationState
from portal.challenges.models import Scenario
from tests.bench import bulk
from tests.bench.asking import Question, per_second, warmed
from tests.bench.measuring import Result, Sizes, compared, measure, medians
from tests.bench.staging import KINDS, SETTINGS, Pair, as_header, crowd, pair
from tests.faults.stage import Stage, staged

TEXT = "Ten years of embedded systems, mostly taking them apart. " * 12
NEXT = re.compile(r'href="([^"]+)" rel="next"')


def fill(stage: Stage, count: int) -> None:
    """So many submitted applications in the stage's challenge."""
    with stage.behind.session() as session:
        bulk.fill(session, stage.cast.challenge.id, count)


@measure("queue")
def queue(sizes: Sizes) -> Iterator[Result]:
    """The staff's list, filtered by country and sorted by score."""
    for kind in KINDS:
        with pair(kind) as staged:
            fill(staged.stage, sizes.applications)
            yield _queue(kind, sizes, staged)
            yield from _queue_of_many(kind, sizes, staged.stage)


def _queue(kind: str, sizes: Sizes, staged: Pair) -> Result:
    cookie, fine = staged.cookie(staged.stage.cast.lead), frozenset({200})
    path = _address(staged.stage)
    ours = warmed(staged.stage.site.port, Question("GET", path, cookie), fine)
    theirs = warmed(staged.bare.port, Question("GET", path), fine)
    count = sizes.requests
    rate, bare = medians(lambda: ours(count), lambda: theirs(count), rounds=sizes.rounds)
    return compared(f"queue, {kind}", "pages/s", rate, bare, 0.5)


def _address(stage: Stage) -> str:
    return f"/staff/{stage.cast.slug}/applications?country=DE&sort=-score"


def _queue_of_many(kind: str, sizes: Sizes, few: Stage) -> Iterator[Result]:
    """The first page and a late one of very many, beside the first page of the usual number."""
    with TemporaryDirectory() as name, staged(kind, Path(name), SETTINGS) as many:
        fill(many, sizes.very_many)
        late = _late(many)
        asked = [(few, _address(few)), (many, _address(many)), (many, late)]
        works = [warmed(stage.site.port, _question(stage, path), frozenset({200}), clients=1) for stage, path in asked]
        count = sizes.requests
        usual, first, hundredth = (1000 / rate for rate in medians(*(partial(work, count) for work in works),
                                                                   rounds=sizes.rounds))  # fmt: skip
    note = f"{sizes.very_many:,} applications beside {sizes.applications:,}"
    for name, took in (("first", first), ("late", hundredth)):
        yield Result(f"{name} page, {kind}", "ms", took, "≤ 1.3 × few", took <= 1.3 * usual, usual, note)


def _question(stage: Stage, path: str) -> Question:
    return Question("GET", path, as_header(stage.behind.cookies(stage.cast.lead)))


def _late(stage: Stage) -> str:
    """The address of page 100, or of the last one, by way of all before it."""
    path = _address(stage)
    browser = stage.browser(stage.cast.lead)
    for _ in range(99):
        found = NEXT.search(browser.get(path).text)
        if found is None:
            break
        path = unescape(found[1])
    return path


def _forms(staged: Pair, count: int) -> list[Question]:
    """Applications of people who have not applied, ready to be sent."""
    path = f"/challenges/{staged.stage.cast.slug}/apply"
    with staged.stage.behind.session() as session:
        people = crowd(session, count, f"Late {secrets.token_hex(3)}")
        scenario = session.scalars(sa.select(Scenario.id).limit(1)).one()
    ready = []
    for person in people:
        browser = staged.stage.browser(person)
        told = {
            "csrf_token": browser.token(path), "version": "0", "do": "submit", "name": person.name, "country": "FR",
            "kind": "single", "links": "https://example.org/cve", "scenario_ids": str(scenario), "experience": TEXT,
            "plan": TEXT, "kit_use": TEXT, "adult": "y", "permitted": "y", "independent": "y", "agrees": "y",
        }  # fmt: skip
        ready.append(Question("POST", path, as_header(browser.cookies), urlencode(told)))
    return ready


@measure("submit")
def submit(sizes: Sizes) -> Iterator[Result]:
    """Handing in an application: validated, written, audited, a receipt posted, durable."""
    for kind in KINDS:
        yield _submit(kind, sizes, f"submit, {kind}", sizes.applications)
    for kind in KINDS:
        yield _submit(kind, sizes, f"to many, {kind}", sizes.very_many)


def _submit(kind: str, sizes: Sizes, name: str, known: int) -> Result:
    with pair(kind) as staged:
        fill(staged.stage, known)
        count, moved = sizes.submissions, frozenset({302})
        kept = [Question("POST", "/form", body=urlencode({"plan": TEXT}))] * count

        def ours() -> float:
            return per_second(staged.stage.site.port, _forms(staged, count), moved)

        ours()
        rate, bare = medians(ours, lambda: per_second(staged.bare.port, kept, moved), rounds=sizes.rounds)
        question = sa.select(sa.func.count()).where(Application.state == ApplicationState.SUBMITTED)
        handed_in = staged.stage.behind.read(lambda session: session.scalars(question).one())
        assert handed_in == known + count * (sizes.rounds + 1)
    return compared(name, "forms/s", rate, bare, 0.25, note=f"beside {known:,} applications")
