"""A small challenge whose results can be counted by hand."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from portal.applications.models import Application
from portal.applications.states import ApplicationState
from portal.awards.states import Quality
from portal.reports.states import ReportState, Severity
from tests.awards.conftest import Jury
from tests.cast import NOON, Cast
from tests.kept import kept

S = ReportState
AFTER = datetime(2020, 10, 6, 16, tzinfo=UTC)


def build(session: Session, cast: Cast, jury: Jury) -> None:
    """Eight submissions, three awards and one proposal; two more that do not count."""
    team, day = cast.team, timedelta(days=1)
    fixed = jury.report(state=S.FIXED, led_to_improvement=True)
    jury.award(fixed, Quality.HIGH, paid=True)  # 48,000
    jury.award(
        jury.report(
            Severity.IMPORTANT,
            state=S.CLOSED,
            led_to_improvement=True,
            participant=team,
            at=NOON + day,
            fixed_release="20.08",
            fixed_on=date(2020, 8, 26),
        ),
        Quality.MEDIUM,
    )  # 11,000; 71 days to the fix
    jury.award(jury.report(Severity.IMPORTANT, "G1", led_to_improvement=True, at=NOON + 8 * day), Quality.LOW)
    jury.propose(jury.report(Severity.CRITICAL, None))
    jury.report(None, "H1", S.BY_DESIGN, mitigating_layer="The firewall")
    jury.report(Severity.LOW, None, S.DUPLICATE, duplicate_of_id=fixed.id, led_to_improvement=True)
    jury.report(None, None, S.ACKNOWLEDGED)
    jury.report(None, None, S.RECEIVED)
    # Neither of these was submitted in the end.
    jury.report(None, None, S.WITHDRAWN)
    jury.report(None, None, S.UPLOADING, received_at=None, key_set_id=None, acknowledged_at=None)
    for number, state in enumerate((ApplicationState.SUBMITTED, ApplicationState.DRAFT)):
        account = (cast.applicant, cast.stranger)[number]
        session.add(
            Application(
                challenge_id=cast.challenge.id, account_id=account.id, canonical_email=account.email, state=state,
                state_since=NOON, created_at=NOON, saved_at=NOON, rnd=1,
                submitted_at=NOON if state is ApplicationState.SUBMITTED else None,
            )
        )  # fmt: skip
    session.commit()


@kept
def played(session: Session, cast: Cast) -> None:
    """Rules in force, and the small challenge played."""
    made = Jury(session, cast)
    made.publish()
    build(session, cast, made)


@pytest.fixture
def jury(session: Session, cast: Cast, played: None) -> Jury:
    """Who played it."""
    return Jury(session, cast)
