"""A date that the other side never answers: reminders, the leads, and what the team's own date may come to."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.core.errors import Conflict, Refused
from portal.core.outbox import OutgoingMail, drain
from portal.reports.actions import disclosing
from portal.reports.models import Disclosure, DisclosureProposal, Report
from portal.reports.queries import disclosing as queries
from portal.reports.queries import reports
from portal.reports.rules.disclosing import STANDS_AFTER
from portal.reports.states import Answer, DisclosureState, ReportState, Side
from tests.cast import NOON, SLUG, Cast, sign_in
from tests.conftest import Clock
from tests.reports.people import Desk
from tests.reports.press import Press

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
HOUR = NOON + 60 * DAY
THEN = NOON + STANDS_AFTER


@pytest.fixture
def fixed(session: Session, one_fixed: int) -> Report:
    """A report that is fixed."""
    return reports.draft(session, one_fixed)


def stand(session: Session, report: Report, proposal: DisclosureProposal, by: int, at: object = THEN) -> None:
    report = reports.draft(session, report.id)
    disclosing.let_stand(session, report, proposal, by=by, at=at)  # type: ignore[arg-type]
    session.commit()


def live(session: Session, report: Report) -> Disclosure:
    found = queries.live(session, report.id)
    assert found is not None
    return found


def test_a_date_of_the_team_stands_after_thirty_days_of_silence(
    session: Session, cast: Cast, press: Press, fixed: Report, mails: Callable[[], list[OutgoingMail]]
) -> None:
    made = press.propose(fixed, HOUR, Side.TEAM)
    with pytest.raises(Refused, match="has until 15 July 2020 at 12:00 UTC to answer"):
        stand(session, fixed, made, cast.lead.id, THEN - SECOND)
    session.rollback()
    with pytest.raises(Refused, match="You proposed it"):
        stand(session, fixed, made, cast.triager.id)
    session.rollback()
    before = len(mails())
    stand(session, fixed, made, cast.lead.id)

    found = live(session, fixed)
    assert (found.state, found.embargo_until, found.without_fix) == (DisclosureState.AGREED, HOUR, False)
    assert (made.answer, made.answered_by_id, made.reason) == (Answer.ACCEPTED, cast.lead.id, "Nobody answered.")
    sent = [(each.template, each.to) for each in mails()[before:] if each.template != "reports/date_ahead"]
    assert sent == [("reports/date_stands", cast.researcher.email)]
    # The researcher comes back and asks for another hour: it moves when both agree, as any other.
    press.accept(fixed, press.propose(fixed, HOUR + DAY, at=THEN + DAY), at=THEN + DAY)
    session.expire_all()
    assert live(session, fixed).embargo_until == HOUR + DAY


def test_silence_is_no_yes_to_everything(session: Session, cast: Cast, press: Press, fixed: Report, desk: Desk) -> None:
    early = desk.in_state(ReportState.CONFIRMED)
    theirs, unfixed = press.propose(fixed, HOUR), press.propose(early, HOUR, Side.TEAM, without_fix=True)
    for report, proposal in ((fixed, theirs), (early, unfixed)):
        with pytest.raises(Refused, match="Only the researcher's own yes counts"):
            stand(session, report, proposal, cast.lead.id)
        session.rollback()
    # An hour on which both agreed is not moved by silence.
    press.accept(fixed, theirs)
    moved = press.propose(fixed, HOUR + DAY, Side.TEAM)
    with pytest.raises(Refused, match="Only the researcher's own yes counts"):
        stand(session, fixed, moved, cast.lead.id)
    session.rollback()
    assert live(session, fixed).embargo_until == HOUR


def test_an_answer_at_the_last_moment_counts(session: Session, cast: Cast, press: Press, fixed: Report) -> None:
    made = press.propose(fixed, HOUR, Side.TEAM)
    seen = DisclosureProposal(
        id=made.id, disclosure_id=made.disclosure_id, side=Side.TEAM, by_id=made.by_id, at=NOON, instant=HOUR,
        zone="UTC", answer=Answer.OPEN,
    )  # fmt: skip
    report = reports.draft(session, fixed.id)
    disclosing.decline(session, report, made, Side.RESEARCHER, "Too early.", by=cast.researcher.id, at=THEN)
    session.commit()
    with pytest.raises((Conflict, Refused)):
        stand(session, fixed, seen, cast.lead.id)
    session.rollback()
    assert session.scalars(sa.select(Disclosure.state)).all() == [DisclosureState.DECLINED]


@pytest.mark.parametrize("side", list(Side))
def test_whoever_is_silent_is_reminded_three_times_and_the_leads_once(
    session: Session, cast: Cast, press: Press, fixed: Report, side: Side
) -> None:
    press.propose(fixed, HOUR, side)
    silent = [cast.researcher.email] if side is Side.TEAM else sorted((cast.triager.email, cast.second_triager.email))
    sent: list[OutgoingMail] = []
    told = []
    for days in (6, 7, 13, 14, 27, 28, 50):
        sent.clear()
        drain(session, sent.append, NOON + days * DAY)
        told.append(sorted(each.to for each in sent if each.template == "reports/date_unanswered"))
    assert told == [[], silent, [], sorted([*silent, cast.lead.email]), [], silent, []]


def test_an_answer_ends_the_reminders(session: Session, press: Press, fixed: Report) -> None:
    press.accept(fixed, press.propose(fixed, HOUR, Side.TEAM))
    sent: list[OutgoingMail] = []
    drain(session, sent.append, NOON + 50 * DAY)
    assert "reports/date_unanswered" not in {each.template for each in sent}


def test_both_sides_read_when_silence_counts_and_only_a_lead_has_the_button(
    client: FlaskClient, session: Session, cast: Cast, press: Press, fixed: Report, clock: Clock
) -> None:
    made = press.propose(fixed, HOUR, Side.TEAM)
    own, staff = (f"/{place}/{SLUG}/reports/{fixed.ref}/disclosure" for place in ("challenges", "staff"))
    sign_in(client, cast.researcher)
    assert "Without an answer by then, the team may let this date stand." in client.get(own).text
    sign_in(client, cast.lead)
    assert "Let this date stand" not in client.get(staff).text
    clock.at = THEN
    data = {"number": made.number, "answer": "stand"}
    for person, address in ((cast.second_triager, staff), (cast.researcher, own)):
        sign_in(client, person)
        assert "Let this date stand" not in client.get(address).text
        assert client.post(f"{address}/answer", data=data).status_code == 404
    sign_in(client, cast.lead)
    assert "Let this date stand" in client.get(staff).text
    assert client.post(f"{staff}/answer", data=data).status_code == 302
    assert "Under embargo" in client.get(staff).text
    assert client.post(f"{staff}/answer", data=data).status_code == 422
