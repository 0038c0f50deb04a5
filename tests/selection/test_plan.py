"""The lead sets how the challenge chooses."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.core.errors import Invalid, NotFound
from portal.selection.actions.plan import Line, Settings, set_plan, set_rubric
from portal.selection.models import Criterion, Plan
from portal.selection.queries.plan import criteria, plan_of, rubric
from portal.selection.states import Pool
from tests.cast import NOON, Cast, make_challenge, sign_in
from tests.selection.conftest import STAFF, Bench


def test_without_settings_the_defaults_hold(session: Session, cast: Cast) -> None:
    plan = plan_of(session, cast.challenge.id)
    assert (plan.looks, plan.pool, plan.reviews_each, plan.review_until, plan.blind) == (1, Pool.ALL, 3, None, False)
    assert [(row.id, row.label) for row in rubric(session, cast.challenge.id)] == [(0, "Overall")]
    session.commit()
    assert session.scalars(sa.select(Plan)).all() == []


def test_settings_are_kept_and_told_to_the_audit(session: Session, bench: Bench, cast: Cast) -> None:
    until = NOON + timedelta(days=5)
    plan = bench.settings(looks=2, pool=Pool.CHOSEN, reviews_each=4, review_until=until, blind=True)
    assert (plan.looks, plan.pool, plan.reviews_each, plan.review_until, plan.blind) == (2, Pool.CHOSEN, 4, until, True)
    assert bench.tags() == ["selection:set-plan"]


@pytest.mark.parametrize(("name", "value"), [("looks", 0), ("looks", 4), ("reviews_each", 0), ("reviews_each", 11)])
def test_settings_have_their_range(session: Session, cast: Cast, name: str, value: int) -> None:
    with pytest.raises(Invalid, match=name):
        set_plan(session, cast.challenge, Settings(**{name: value}), by=cast.lead.id, at=NOON)
    with pytest.raises(sa.exc.IntegrityError, match=f"{name}_in_range"):
        session.execute(sa.insert(Plan).values(challenge_id=cast.challenge.id, **{name: value}))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([Line(None, "")], "is called"),
        ([Line(None, "Plan"), Line(None, "plan")], "same name"),
        ([Line(None, "Plan", weight=11)], "between 1 and 10"),
        ([Line(None, f"c{n}") for n in range(13)], "At most 12"),
    ],
)
def test_what_a_rubric_must_be(session: Session, cast: Cast, lines: list[Line], message: str) -> None:
    with pytest.raises(Invalid, match=message):
        set_rubric(session, cast.challenge, lines, by=cast.lead.id, at=NOON)


def test_criteria_are_changed_and_retired_never_deleted(session: Session, bench: Bench, cast: Cast) -> None:
    asked = bench.rubric(Plan=2, Skill=1)
    lines = [Line(asked["Skill"], "Craft", weight=4), Line(asked["Plan"], "Plan", retired=True)]
    set_rubric(session, cast.challenge, lines, by=cast.lead.id, at=NOON)
    session.commit()

    assert [(row.id, row.label, row.weight) for row in criteria(session, cast.challenge.id)] == [
        (asked["Skill"], "Craft", 4)
    ]
    kept = session.get_one(Criterion, asked["Plan"])
    assert (kept.retired_at, session.scalars(sa.select(sa.func.count()).select_from(Criterion)).one()) == (NOON, 2)


def test_another_challenges_criterion_is_not_found(session: Session, bench: Bench, cast: Cast) -> None:
    asked = bench.rubric(Plan=2)
    other = make_challenge(session, "other", "Other")
    with pytest.raises(NotFound):
        set_rubric(session, other, [Line(asked["Plan"], "Mine now")], by=cast.lead.id, at=NOON)


def form(**changes: Any) -> dict[str, Any]:
    return {"looks": "2", "pool": "chosen", "reviews_each": "3", "until": "2020-07-01", "blind": "y", **changes}


def test_settings_by_form(client: FlaskClient, session: Session, bench: Bench, cast: Cast) -> None:
    sign_in(client, cast.lead)
    page = f"{STAFF}/review/settings"

    assert client.get(page).status_code == 200
    assert client.post(page, data=form()).location == page
    plan = session.get_one(Plan, cast.challenge.id)
    # The day ends in the challenge's zone: Los Angeles.
    assert plan.review_until == datetime.fromisoformat("2020-07-02T06:59:00Z")
    assert (plan.looks, plan.pool, plan.blind) == (2, Pool.CHOSEN, True)
    shown = client.get(page).text
    assert 'value="2020-07-01"' in shown
    wrong = client.post(page, data=form(reviews_each="11"))
    assert wrong.status_code == 422
    assert "Between 1 and 10." in wrong.text
    assert client.post(page, data=form(looks="7")).status_code == 422


def test_the_rubric_by_form(client: FlaskClient, session: Session, bench: Bench, cast: Cast) -> None:
    sign_in(client, cast.lead)
    page, address = f"{STAFF}/review/settings", f"{STAFF}/review/rubric"
    new = {"lines-0-label": "Plan", "lines-0-help": "Is it one?", "lines-0-weight": "3", "lines-0-position": "1",
           "lines-1-label": "", "lines-1-weight": "1"}  # fmt: skip

    assert client.post(address, data=new).status_code == 302
    (row,) = criteria(session, cast.challenge.id)
    assert (row.label, row.help, row.weight) == ("Plan", "Is it one?", 3)
    session.commit()
    assert "Is it one?</textarea>" in client.get(page).text
    twice = client.post(address, data={**new, "lines-0-number": str(row.id), "lines-1-label": "plan"})
    assert twice.status_code == 422
    assert "Two criteria have the same name." in twice.text
    assert client.post(address, data={**new, "lines-0-weight": "11"}).status_code == 422
    assert client.post(address, data={**new, "lines-0-number": "999"}).status_code == 404
    retired = {**new, "lines-0-number": str(row.id), "lines-0-retired": "y"}
    assert client.post(address, data=retired).status_code == 302
    assert criteria(session, cast.challenge.id) == []
