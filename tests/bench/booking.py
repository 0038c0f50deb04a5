"""Sixty-four people who want the sixteen seats of one slot at the same moment."""

from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from itertools import count
from urllib.parse import urlencode
from uuid import uuid4

import sqlalchemy as sa

from portal.accounts.models import Account
from portal.core import clock
from portal.office_hours import actions
from portal.office_hours.models import Booking, Sitting, Slot
from portal.office_hours.rules import Plan, Share
from portal.office_hours.time import Weekly
from tests.bench.asking import Question, per_second
from tests.bench.measuring import Result, Sizes, compared, measure, medians
from tests.bench.staging import KINDS, Pair, as_header, crowd, pair
from tests.cast import make_participant
from tests.faults.stage import Browser

SEATS = 16
ANSWERS = frozenset({302, 409, 422})


def _slots(staged: Pair, number: int) -> Sequence[int]:
    """Slots of sixteen seats, one a day from tomorrow."""
    cast, at = staged.stage.cast, clock.now()
    with staged.stage.behind.session() as session:
        for day in range(1, number + 1):
            first = datetime.combine(at.date() + timedelta(days=day), time(9))
            rule = Weekly(first, "UTC", interval=1, until=None, count=1)
            plan = Plan(
                "With everybody", rule, (Share(cast.host.id),), slots=1, slot_minutes=30, seats=SEATS, weekly_quota=14
            )
            series = actions.create_series(session, cast.challenge, plan, by=cast.host.id, at=at)
            actions.materialise(session, series.id, since=at, before=at + timedelta(weeks=4), at=at)
        session.commit()
        slots = session.scalars(sa.select(Slot.id).join(Sitting).order_by(Slot.starts_at)).all()
        assert len(slots) == number
        return slots


def _people(staged: Pair, number: int) -> Sequence[Account]:
    with staged.stage.behind.session() as session:
        people = crowd(session, number, "Researcher")
        for person in people:
            make_participant(session, staged.stage.cast.challenge, person)
        session.commit()
        return people


def _wish(browser: Browser, slug: str, token: str, slot: int) -> Question:
    told = {"csrf_token": token, "key": uuid4().hex, "topic": "The boot chain", "scenario": "0"}
    path = f"/challenges/{slug}/office-hours/slots/{slot}"
    return Question("POST", path, as_header(browser.cookies), urlencode(told))


@measure("book")
def book(sizes: Sizes) -> Iterator[Result]:
    """All at once: the answers are a seat, taken, and used up."""
    for kind in KINDS:
        yield _book(kind, sizes)


def _book(kind: str, sizes: Sizes) -> Result:
    with pair(kind) as staged:
        slots, numbers = iter(_slots(staged, sizes.rounds + 1)), count(1)
        browsers = [staged.stage.browser(person) for person in _people(staged, sizes.crowd)]
        tokens = [browser.token("/account/") for browser in browsers]

        def ours() -> float:
            slot, slug = next(slots), staged.stage.cast.slug
            wishes = [_wish(browser, slug, token, slot) for browser, token in zip(browsers, tokens, strict=True)]
            return per_second(staged.stage.site.port, wishes, ANSWERS, clients=len(wishes))

        def theirs() -> float:
            slot = next(numbers)
            wishes = [Question("POST", f"/book/{slot}/{person}") for person in range(sizes.crowd)]
            return per_second(staged.bare.port, wishes, ANSWERS, clients=len(wishes))

        ours()
        rate, bare = medians(ours, theirs, rounds=sizes.rounds)
        seated = sa.select(sa.func.count()).select_from(Booking)
        taken = staged.stage.behind.read(lambda session: session.scalars(seated).one())
    fine = taken == (sizes.rounds + 1) * min(SEATS, sizes.crowd)
    return compared(f"book, {kind}", "answers/s", rate, bare, 0.25, fine=fine, note=f"{taken} seats taken")
