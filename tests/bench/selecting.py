"""Choosing 70 under forty limits, exactly: the solver by itself, and the whole action on the database."""

import statistics
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from random import Random

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.applications.models import Application, application_scenario
from portal.applications.rules import COUNTRIES
from portal.applications.states import ApplicantKind, ApplicationState
from portal.challenges.models import Scenario
from portal.core import clock
from portal.selection.actions import drafts as actions
from portal.selection.jobs import solve_drafts
from portal.selection.models import DraftLimit
from portal.selection.queries import drafts as queries
from portal.selection.rules.drafts import Applicant, Wish, answer, question
from portal.selection.rules.regions import SUBREGIONS
from portal.selection.states import DraftState, LimitKind
from tests.bench.measuring import Result, Sizes, measure, seconds
from tests.bench.staging import KINDS
from tests.cast import Cast, make_cast
from tests.faults.stage import backstage

PLACES, SEED = 70, "5f" * 32
# Where most applicants come from, the most first.
FROM = ("US", "IN", "DE", "GB", "CN", "FR", "JP", "BR", "KR", "NL", "PL", "IT", "NG", "KE", "AU")
CODES = ("H1", "G1", "G2")


def people(count: int) -> list[Applicant]:
    """So many applicants from everywhere, with scores that often are equal."""
    random, everywhere = Random(20), sorted(set().union(*SUBREGIONS.values()) & set(COUNTRIES))
    return [
        Applicant(
            number, min(500, max(0, round(random.gauss(280, 80)))),
            FROM[min(int(random.expovariate(0.2)), 14)] if random.random() < 0.8 else random.choice(everywhere),
            f"Organisation {int(random.expovariate(0.05))}", random.choice(("single",) * 5 + ("team",)),
            frozenset(random.sample(CODES, random.randint(1, 3))), random.random() < 0.85,
        )
        for number in range(1, count + 1)
    ]  # fmt: skip


def wishes() -> list[Wish]:
    """Forty limits: on countries, regions, scenarios, organisations, teams and first-timers."""
    found = [Wish(LimitKind.COUNTRY, code, None, 6) for code in FROM]
    found += [Wish(LimitKind.REGION, name, least, None) for name, least in (("Africa", 8), ("Oceania", 2))]
    found += [Wish(LimitKind.REGION, name, 6, 30) for name in ("Americas", "Asia", "Europe")]
    found += [Wish(LimitKind.REGION, name, 1, 12) for name in ("Eastern Asia", "South America", "Western Europe")]
    found += [Wish(LimitKind.SCENARIO, code, 15, 60) for code in CODES]
    found += [Wish(LimitKind.ORGANISATION, f"organisation {number}", None, 2) for number in range(12)]
    return [*found, Wish(LimitKind.KIND, "team", 5, 15), Wish(LimitKind.FIRST_TIMERS, "", 40, None)]


@measure("selection")
def selection(sizes: Sizes) -> Iterator[Result]:
    """Seventy of 3,500 within a second, of 100,000 within ten."""
    sized = (("choose", "draft", sizes.applications, 1.0), ("choose many", "draft many", sizes.pool, 10.0))
    for name, _, count, most in sized:
        asked = question(people(count), wishes(), {}, (), PLACES, SEED)
        found = answer(asked, {})
        took = statistics.median(seconds(partial(answer, asked, {})) for _ in range(min(3, sizes.rounds)))
        fine = took <= most and (len(found.taken) == PLACES or bool(found.clash))
        yield Result(name, "s", took, f"≤ {most:g} s", fine, note=f"of {count:,}, 40 limits")
    for kind in KINDS:
        for _, name, count, most in sized:
            with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder:
                took, fine = _whole(kind, Path(folder), count)
            label = f"{name}, {'pg' if len(name) > 5 and kind == 'postgresql' else kind}"
            yield Result(label, "s", took, f"≤ {most:g} s", fine and took <= most, note=f"of {count:,}, whole")


def _whole(kind: str, folder: Path, count: int) -> tuple[float, bool]:
    """From the pool in the database to the choices in it: the second time, when the solver is loaded."""
    with backstage(kind, folder) as behind, behind.session() as session:
        cast, at = make_cast(session), clock.now()
        fill(session, cast, people(count))
        given = actions.Settings("Forty limits", PLACES)
        made = actions.create_draft(session, cast.challenge, given, by=cast.lead.id, at=at)
        session.add_all([DraftLimit(draft_id=made.id, **wish._asdict()) for wish in wishes()])
        session.commit()
        number, challenge, lead = made.number, cast.challenge.id, cast.lead.id

        def solve() -> None:
            found = queries.draft(session, challenge, number)
            actions.solve_draft(session, found, by=lead, at=at)
            session.commit()
            if found.state is DraftState.SOLVING:
                solve_drafts(session, at)

        solve()
        took = seconds(solve)
        found = queries.draft(session, challenge, number)
        return took, found.taken == PLACES or found.state is DraftState.INFEASIBLE


def fill(session: Session, cast: Cast, everybody: Sequence[Applicant]) -> None:
    """The same people as submitted applications."""
    at, first = clock.now(), 1000
    accounts = [
        {"id": first + one.id, "email": f"a{one.id}@example.net", "canonical_email": f"a{one.id}@example.net",
         "name": f"Applicant {one.id}", "created_at": at, "fs_uniquifier": f"{one.id:064}"}
        for one in everybody
    ]  # fmt: skip
    rows = [
        {"id": one.id, "challenge_id": cast.challenge.id, "account_id": first + one.id,
         "canonical_email": f"a{one.id}@example.net", "state": ApplicationState.SUBMITTED, "state_since": at,
         "created_at": at, "saved_at": at, "submitted_at": at, "name": f"Applicant {one.id}", "country": one.country,
         "affiliation": one.affiliation, "kind": ApplicantKind(one.kind), "rnd": one.id, "review_count": 3,
         "score_mean": (one.score or 0) / 100, "score_adjusted": (one.score or 0) / 100}
        for one in everybody
    ]  # fmt: skip
    ids = dict(session.execute(sa.select(Scenario.code, Scenario.id)).all())
    links = [{"application_id": one.id, "scenario_id": ids[code]} for one in everybody for code in one.scenarios]
    for table, values in ((Account, accounts), (Application, rows), (application_scenario, links)):
        for start in range(0, len(values), 5000):
            session.execute(sa.insert(table), values[start : start + 5000])
    session.commit()
    session.execute(sa.text("ANALYZE"))
    session.commit()
