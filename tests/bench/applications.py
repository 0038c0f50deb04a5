"""Applications: the staff's list of them, and handing one in."""

import secrets
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlencode

import sqlalchemy as sa

from portal.applications.models import Application, application_scenario
from portal.applications.states import ApplicationState
from portal.challenges.models import Scenario
from portal.core import clock
from tests.bench.asking import Question, per_second, warmed
from tests.bench.measuring import Result, Sizes, compared, measure, medians
from tests.bench.staging import KINDS, Pair, as_header, crowd, pair

COUNTRIES = ("DE", "FR", "IN", "JP", "US")
TEXT = "Ten years of embedded systems, mostly taking them apart. " * 12


def fill(staged: Pair, count: int) -> None:
    """So many submitted applications, scored, from five countries."""
    behind, at = staged.stage.behind, clock.now()
    challenge = staged.stage.cast.challenge.id
    with behind.session() as session:
        people = crowd(session, count, "Applicant")
        rows = [
            Application(
                challenge_id=challenge, account_id=person.id, canonical_email=person.email, name=person.name,
                state=ApplicationState.SUBMITTED, state_since=at, created_at=at, saved_at=at,
                submitted_at=at - timedelta(minutes=number), handle=f"handle-{number}", affiliation="A laboratory",
                country=COUNTRIES[number % 5], experience=TEXT, plan=TEXT, kit_use=TEXT, team=[], links=[], flags=[],
                screening={}, rnd=number, review_count=3, score_mean=1 + number * 7 % 400 / 100,
                score_adjusted=1 + number * 7 % 400 / 100,
            )
            for number, person in enumerate(people)
        ]  # fmt: skip
        session.add_all(rows)
        session.flush()
        scenarios = session.scalars(sa.select(Scenario.id).order_by(Scenario.id)).all()
        chosen = [
            {"application_id": row.id, "scenario_id": scenario}
            for number, row in enumerate(rows)
            for scenario in scenarios[: 1 + number % len(scenarios)]
        ]
        session.execute(sa.insert(application_scenario), chosen)
        session.commit()
        # Whoever serves this many rows has looked at them once.
        session.execute(sa.text("ANALYZE"))
        session.commit()


@measure("queue")
def queue(sizes: Sizes) -> Iterator[Result]:
    """The staff's list, filtered by country and sorted by score."""
    for kind in KINDS:
        yield _queue(kind, sizes)


def _queue(kind: str, sizes: Sizes) -> Result:
    with pair(kind) as staged:
        fill(staged, sizes.applications)
        path = f"/staff/{staged.stage.cast.slug}/applications?country=DE&sort=-score"
        cookie, fine = staged.cookie(staged.stage.cast.lead), frozenset({200})
        ours = warmed(staged.stage.site.port, Question("GET", path, cookie), fine)
        theirs = warmed(staged.bare.port, Question("GET", path), fine)
        count = sizes.requests
        rate, bare = medians(lambda: ours(count), lambda: theirs(count), rounds=sizes.rounds)
    return compared(f"queue, {kind}", "pages/s", rate, bare, 0.5)


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
        yield _submit(kind, sizes)


def _submit(kind: str, sizes: Sizes) -> Result:
    with pair(kind) as staged:
        count, moved = sizes.submissions, frozenset({302})
        kept = [Question("POST", "/form", body=urlencode({"plan": TEXT}))] * count

        def ours() -> float:
            return per_second(staged.stage.site.port, _forms(staged, count), moved)

        ours()
        rate, bare = medians(ours, lambda: per_second(staged.bare.port, kept, moved), rounds=sizes.rounds)
        question = sa.select(sa.func.count()).where(Application.state == ApplicationState.SUBMITTED)
        handed_in = staged.stage.behind.read(lambda session: session.scalars(question).one())
        assert handed_in == count * (sizes.rounds + 1)
    return compared(f"submit, {kind}", "forms/s", rate, bare, 0.25)
