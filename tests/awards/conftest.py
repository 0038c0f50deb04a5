"""Confirmed reports, and rules by which they are awarded."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.awards import actions, queries
from portal.awards.models import Award, Payment
from portal.awards.rules import Table
from portal.awards.states import MOVES, PAYMENT_MOVES, Quality
from portal.challenges.models import Participant, Scenario
from portal.challenges.states import ScenarioKind
from portal.reports.actions import links
from portal.reports.models import KeySet, Report
from portal.reports.queries import reports
from portal.reports.queries.links import numbered
from portal.reports.rules import LinkText, Verdict
from portal.reports.states import CONFIRM_LINK, ReportState, Severity
from tests.cast import NOON, Cast
from tests.kept import kept

AMOUNTS = {
    (Severity.CRITICAL, Quality.HIGH): 40_000, (Severity.CRITICAL, Quality.MEDIUM): 20_000,
    (Severity.CRITICAL, Quality.LOW): 10_000, (Severity.IMPORTANT, Quality.HIGH): 20_000,
    (Severity.IMPORTANT, Quality.MEDIUM): 10_000, (Severity.IMPORTANT, Quality.LOW): 3_000,
    (Severity.MODERATE, Quality.HIGH): 500,
}  # fmt: skip
UPLIFT = {(ScenarioKind.GENERAL, Severity.CRITICAL): 20, (ScenarioKind.GENERAL, Severity.IMPORTANT): 10}


class Jury:
    """Makes reports, rules and awards in the test challenge."""

    def __init__(self, session: Session, cast: Cast) -> None:
        self.session, self.cast = session, cast

    def table(self, **changes: Any) -> Table:
        """The rules of 2020."""
        base = {key: Decimal(amount) for key, amount in AMOUNTS.items()}
        fixed = {self.scenario("H1").id: Decimal(100_000)}
        return Table(**{"base": base, "uplift": UPLIFT, "fixed": fixed, **changes})

    def publish(self, **changes: Any) -> None:
        """Put them into force."""
        actions.publish_rules(self.session, self.cast.challenge, self.table(**changes), by=self.cast.lead.id, at=NOON)

    def scenario(self, code: str) -> Scenario:
        """A scenario by its code."""
        return self.session.scalars(
            sa.select(Scenario).where(Scenario.challenge_id == self.cast.challenge.id, Scenario.code == code)
        ).one()

    def report(
        self, severity: Severity | None = Severity.CRITICAL, achieved: str | None = "G2",
        state: ReportState = ReportState.CONFIRMED, participant: Participant | None = None, at: datetime = NOON,
        **values: Any,
    ) -> Report:  # fmt: skip
        """A report that triage has come to know, as far as `state`."""
        keys = self.session.scalars(sa.select(KeySet)).first() or KeySet(number=1, published_at=NOON)
        self.session.add(keys)
        self.session.flush()
        count = self.session.scalars(sa.select(sa.func.count()).select_from(Report)).one()
        who = participant or self.cast.participant
        late = {ReportState.FIXED, ReportState.CLOSED}
        given: dict[str, Any] = {
            "challenge_id": self.cast.challenge.id, "number": count + 1, "ref": f"R-{count + 1:04}",
            "participant_id": who.id, "submitted_by_id": who.members[0].account_id, "title": "A neutral title",
            "claimed": Severity.IMPORTANT, "build": "20.06", "state": state, "state_since": at, "created_at": at,
            "severity": severity, "achieved_scenario_id": self.scenario(achieved).id if achieved else None,
            "received_at": at, "key_set_id": keys.id, "acknowledged_at": at + timedelta(hours=1),
        }  # fmt: skip
        if state in (ReportState.RECEIVED, ReportState.WITHDRAWN):
            given["acknowledged_at"] = None
        if state in late:
            given |= {"fixed_release": "20.07", "fixed_on": date(2020, 7, 21)}
        report = Report(**{**given, **values})
        self.session.add(report)
        self.session.commit()
        return reports.draft(self.session, report.id)

    def chain(self, report: Report, *severities: Severity) -> Report:
        """A report with a confirmed link of each severity."""
        by, at = self.cast.triager.id, NOON + timedelta(minutes=1)
        given = [LinkText(f"Link {number}") for number in range(1, len(severities) + 1)]
        links.add_links(self.session, report, given, by=by, at=at)
        for number, severity in enumerate(severities, 1):
            link = numbered(self.session, report.id, number)
            links.decide_link(self.session, report, link, CONFIRM_LINK, Verdict(severity=severity), by=by, at=at)
        self.session.commit()
        return reports.draft(self.session, report.id)

    def propose(self, report: Report | None = None, quality: Quality = Quality.HIGH, **wish: Any) -> Award:
        """A proposal of the triager; where an award stands, a correction of it."""
        found = report or self.report()
        asked = actions.Proposal(quality, **{"because": "looked at again", **wish})
        return actions.propose(self.session, found, asked, by=self.cast.triager.id, at=NOON)

    def decide(self, award: Award, name: str, by: int, **given: str) -> None:
        """Take a step by its name."""
        move = {move.name: move for move in MOVES}[name]
        actions.decide(self.session, award, move, **given, by=by, at=NOON + timedelta(hours=1))

    def award(
        self, report: Report | None = None, quality: Quality = Quality.HIGH, *, paid: bool = False, **wish: Any
    ) -> Award:
        """An approved award, paid or not."""
        made = self.propose(report, quality, **wish)
        self.decide(made, "approve", self.cast.second_triager.id)
        if paid:
            self.pay(made)
        self.session.commit()
        return made

    def pay(self, award: Award) -> None:
        """Send and pay all that is due of it."""
        for payment in self.payments(award):
            if payment.state == "due":
                self.step(payment, "send")
                self.step(payment, "pay", reference=f"TX-{payment.id}")

    def payments(self, award: Award) -> list[Payment]:
        """Every payment for what the award is for."""
        return list(queries.of_thread(self.session, award.report_id, award.part))

    def step(self, payment: Payment, name: str, at: datetime = NOON + timedelta(hours=1), **given: str) -> None:
        """Finance takes a step by its name."""
        move = {move.name: move for move in PAYMENT_MOVES}[name]
        actions.step(self.session, payment, move, **given, by=self.cast.finance.id, at=at)


@kept
def ruled(session: Session, cast: Cast) -> None:
    """The rules of 2020 are in force."""
    Jury(session, cast).publish()
    session.commit()


@pytest.fixture
def jury(session: Session, cast: Cast, ruled: None) -> Jury:
    """Rules in force, and the means to make awards."""
    return Jury(session, cast)


Told = Callable[[], list[tuple[str, str, int | None]]]
