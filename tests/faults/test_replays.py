"""Requests that come twice, one after another or at the same moment."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, time, timedelta
from threading import Barrier

import pytest
import sqlalchemy as sa

from portal.core import clock
from portal.core.outbox import OutgoingMail
from portal.office_hours import actions
from portal.office_hours.models import Booking, Slot
from portal.office_hours.rules import Plan, Share
from portal.office_hours.time import Weekly
from portal.reports.models import Receipt, Report
from portal.reports.states import ReportState
from tests.faults.conftest import Staging
from tests.faults.stage import Reply, Stage
from tests.faults.tus import Client

pytestmark = pytest.mark.slow
CROWD = 8


def at_once(ask: object) -> Counter[int]:
    """The answers to the same request, sent by a crowd at the same moment."""
    start = Barrier(CROWD)

    def one(_number: int) -> int:
        start.wait()
        reply: Reply = ask()  # type: ignore[operator]
        return reply.status

    with ThreadPoolExecutor(CROWD) as pool:
        return Counter(pool.map(one, range(CROWD)))


def slot_next_week(stage: Stage) -> int:
    """A slot that everybody may book."""
    with stage.behind.session() as session:
        at = clock.now()
        first = datetime.combine(at.date() + timedelta(days=7), time(9))
        rule = Weekly(first, "UTC", interval=1, until=None, count=1)
        plan = Plan("With the kernel team", rule, (Share(stage.cast.host.id),), slots=1, slot_minutes=30, seats=8)
        series = actions.create_series(session, stage.cast.challenge, plan, by=stage.cast.host.id, at=at)
        actions.materialise(session, series.id, since=at, before=at + timedelta(weeks=4), at=at)
        session.commit()
        return session.scalars(sa.select(Slot.id)).one()


def told(stage: Stage, template: str) -> list[str]:
    """Who gets mail of a kind, one line for each mail."""
    question = sa.select(OutgoingMail.to).where(OutgoingMail.template == template)
    return sorted(stage.behind.read(lambda session: session.scalars(question).all()))


def test_the_same_booking_is_sent_eight_times(stage: Staging) -> None:
    served = stage(workers=2)
    path = f"/challenges/{served.cast.slug}/office-hours/slots/{slot_next_week(served)}"
    browser = served.browser(served.cast.researcher)
    form = {"csrf_token": browser.token(path), "key": "0123456789abcdef", "topic": "The boot chain", "scenario": "0"}

    assert at_once(lambda: browser.post(path, **form)) == {302: CROWD}
    assert browser.post(path, **form).status == 302

    assert len(served.behind.read(lambda session: session.scalars(sa.select(Booking.id)).all())) == 1
    assert told(served, "office_hours/booked") == ["hugo-host@example.org", "rosa-researcher@example.org"]


def test_the_same_report_is_submitted_eight_times(stage: Staging) -> None:
    served = stage(workers=2)
    client = Client(served)
    data = client.sealed(100_000)
    ref = client.begin()
    assert client.patch(client.announce(ref, len(data)), 0, data).status == 204

    answers = at_once(lambda: client.submit(ref))

    # Who came second while the first was at it is told so; who asks again has the same answer as the first.
    assert set(answers) <= {200, 409}
    assert answers[200] >= 1
    assert client.submit(ref).status == 200
    assert len(served.behind.read(lambda session: session.scalars(sa.select(Receipt.report_id)).all())) == 1
    state = served.behind.read(lambda session: session.scalars(sa.select(Report.state)).one())
    assert state is ReportState.RECEIVED
    assert told(served, "reports/receipt") == ["rosa-researcher@example.org"]


def test_the_same_part_of_an_upload_is_sent_eight_times(stage: Staging) -> None:
    served = stage(workers=2)
    client = Client(served)
    data = client.sealed(300_000)
    ref = client.begin()
    path = client.announce(ref, len(data))

    answers = at_once(lambda: client.patch(path, 0, data[:200_000]))

    # One goes in; whoever comes later, or with too many at once, is told so.
    assert answers[204] == 1
    assert set(answers) <= {204, 409, 429}
    assert client.offset(path) == 200_000
    assert client.patch(path, 200_000, data[200_000:]).status == 204
    assert client.submit(ref).status == 200
    assert client.fetch(ref) == data
