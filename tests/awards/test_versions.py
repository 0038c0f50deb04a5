"""Versions of the rules: which holds when, and what a new one would change."""

from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.awards import actions, queries, rules
from portal.awards.models import BountyRules
from portal.awards.rules import Change, Table
from portal.awards.rules.versions import tried
from portal.awards.states import Quality
from portal.challenges.states import ScenarioKind
from portal.core.errors import Invalid
from portal.reports.states import Severity
from tests.awards.conftest import AMOUNTS, UPLIFT, Jury
from tests.cast import NOON, Cast

DAY = timedelta(days=1)
TABLE = Table({key: Decimal(amount) for key, amount in AMOUNTS.items()}, UPLIFT, {1: Decimal(100_000)})


def version(number: int, days: int, published: int = 0) -> BountyRules:
    return BountyRules(version=number, published_at=NOON + published * DAY, in_force_from=NOON + days * DAY)


@pytest.mark.parametrize(("when", "at", "expected"), [
    (0, 9, 1), (2, 9, 1), (3, 9, 2), (9, 9, 2),  # by the time of arrival
    (5, 4, 2),  # what holds is looked at when it has begun
    (-1, 9, 1),  # earlier than any: the first that came
    (-1, -1, None),
])  # fmt: skip
def test_the_newest_version_whose_time_had_come_holds(when: int, at: int, expected: int | None) -> None:
    found = rules.in_force([version(2, 3), version(1, 0)], NOON + when * DAY, NOON + at * DAY)

    assert (found.version if found else None) == expected


def test_a_later_version_replaces_an_announced_one() -> None:
    versions = [version(1, 0), version(2, 5), version(3, 2)]

    assert [rules.in_force(versions, NOON + day * DAY, NOON + 9 * DAY).version for day in (1, 2, 6)] == [1, 3, 3]  # type: ignore[union-attr]


def test_a_report_is_awarded_by_what_held_when_it_arrived(session: Session, cast: Cast, jury: Jury) -> None:
    before = jury.propose()
    session.commit()
    actions.publish_rules(
        session, cast.challenge, jury.table(cap=Decimal(30_000)), by=cast.lead.id, at=NOON, in_force_from=NOON + DAY,
        note="A cap from tomorrow on",
    )  # fmt: skip

    early = actions.work_out(session, jury.report(), Quality.HIGH, at=NOON + 3 * DAY)
    late = actions.work_out(session, jury.report(at=NOON + 2 * DAY), Quality.HIGH, at=NOON + 3 * DAY)

    assert [(found.version, working.amount) for found, working in (early, late)] == [(1, 48_000), (2, 30_000)]
    assert (before.amount, before.rules.version) == (48_000, 1)
    current = queries.current_rules(session, cast.challenge.id, NOON)
    assert current is not None
    assert current.version == 1


def test_rules_never_hold_before_they_are_known(session: Session, cast: Cast, jury: Jury) -> None:
    with pytest.raises(Invalid, match="This is over"):
        actions.publish_rules(
            session, cast.challenge, TABLE, by=cast.lead.id, at=NOON, in_force_from=NOON - timedelta(seconds=1)
        )


@pytest.mark.parametrize("statement", [
    "UPDATE bounty_base SET amount = 1", "DELETE FROM bounty_uplift", "UPDATE bounty_rules SET in_force_from = NULL",
])  # fmt: skip
def test_a_version_never_changes(session: Session, jury: Jury, statement: str) -> None:
    with pytest.raises(sa.exc.DBAPIError, match="never change"):
        session.execute(sa.text(statement))
    session.rollback()


def test_two_who_publish_at_once(session: Session, cast: Cast, jury: Jury) -> None:
    session.add(BountyRules(challenge_id=cast.challenge.id, version=1, currency="USD", published_at=NOON))

    with pytest.raises(sa.exc.IntegrityError, match="version"):
        session.flush()


def test_only_what_differs_is_told() -> None:
    after = Table(
        {**TABLE.base, (Severity.CRITICAL, Quality.HIGH): Decimal(50_000), (Severity.LOW, Quality.LOW): Decimal(100)},
        {**UPLIFT, (ScenarioKind.GENERAL, Severity.CRITICAL): 25}, {}, Decimal("60000.50"),
    )  # fmt: skip

    assert rules.changes(TABLE, TABLE, {1: "H1"}) == []
    assert rules.changes(TABLE, after, {1: "H1"}) == [
        Change("Critical, high quality", "40,000", "50,000"),
        Change("Low, low quality", "–", "100"),
        Change("Critical, general scenario", "+ 20 %", "+ 25 %"),
        Change("Scenario H1, fixed", "100,000", "–"),
        Change("Most for one report", "–", "60,000.50"),
    ]


def test_known_examples_are_those_of_2020() -> None:
    fixed = [rules.Achieved(1, "H1", ScenarioKind.HIGH_PRIORITY)]

    assert [line.before for line in tried(TABLE, Table({}), fixed)] == ["48,000", "11,000", "3,300", "100,000"]
    assert {line.after for line in tried(TABLE, Table({}), fixed)} == {"–"}


def test_what_is_odd_is_told() -> None:
    odd = Table({
        (Severity.CRITICAL, Quality.HIGH): Decimal(10), (Severity.CRITICAL, Quality.MEDIUM): Decimal(20),
        (Severity.IMPORTANT, Quality.HIGH): Decimal(30),
    })  # fmt: skip

    assert rules.oddities(odd) == [
        "Critical: medium quality is given more than high quality.",
        "High quality: important is given more than critical.",
    ]
    assert rules.oddities(TABLE) == []
