"""What is handed over, and what is forgotten."""

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts import personal
from portal.applications import actions
from portal.applications.jobs import forget
from portal.applications.models import Application, Revision
from portal.applications.personal import erase, exported
from portal.applications.rules import Content, content_of
from portal.applications.states import ApplicationState, Decision
from portal.core.outbox import OutgoingMail
from tests.applications.conftest import KEY, LINK, Desk
from tests.cast import NOON, Cast


def test_the_person_gets_what_they_told_and_nothing_that_is_meant(session: Session, desk: Desk, cast: Cast) -> None:
    application = desk.submitted(content=desk.content("H1", "G1"))
    application.pending_decision, application.pending_at, application.wave_id = Decision.DECLINE, NOON, 3
    application.review_count, application.score_mean, application.score_adjusted = 1, 0.25, 0.25
    session.commit()

    (told,) = exported(session, cast.applicant.id)["applications"]

    assert (told["state"], told["plan"], told["links"], told["scenarios"]) == (
        "submitted", "Read the network daemon.", [LINK], ["H1", "G1"],
    )  # fmt: skip
    assert not {"pending_decision", "wave_id", "score_mean", "review_count"} & set(told)
    assert "decline" not in str(told)
    assert "0.25" not in str(told)
    assert personal.exporters["applications"] is exported


def test_the_person_gets_every_revision(session: Session, desk: Desk, cast: Cast) -> None:
    application = desk.submitted()
    later = NOON + timedelta(hours=1)
    actions.revise_application(session, application, desk.content(plan="Another plan."), version=1, at=later)
    session.commit()

    (told,) = exported(session, cast.applicant.id)["applications"]

    assert [(row["number"], row["at"], row["plan"]) for row in told["revisions"]] == [
        (1, NOON, "Read the network daemon."), (2, later, "Another plan."),
    ]  # fmt: skip


def test_erasing_leaves_state_country_and_times(session: Session, desk: Desk, cast: Cast) -> None:
    application = desk.submitted(content=desk.content(certificate=KEY))
    other = desk.submitted(cast.stranger)

    erase(session, cast.applicant.id, NOON + timedelta(days=1))
    session.commit()

    session.expire_all()
    assert (application.state, application.country, application.submitted_at) == (ApplicationState.ERASED, "FR", NOON)
    assert content_of(application) == Content(country="FR")
    assert application.canonical_email == f"erased:{application.id}"
    kept = session.scalars(sa.select(Revision.application_id)).all()
    assert (list(kept), other.state) == ([other.id], ApplicationState.SUBMITTED)
    assert desk.draft().state is ApplicationState.DRAFT


def test_what_was_written_to_an_earlier_address_is_forgotten_too(session: Session, desk: Desk, cast: Cast) -> None:
    desk.submitted()
    desk.submitted(cast.stranger)
    cast.applicant.email = "later@example.org"
    session.commit()

    erase(session, cast.applicant.id, NOON)
    session.commit()

    assert session.scalars(sa.select(OutgoingMail.to)).all() == [cast.stranger.email]


def test_applications_without_a_place_are_forgotten_90_days_after_the_challenge(
    session: Session, desk: Desk, cast: Cast
) -> None:
    lost = desk.submitted(content=desk.content("H1"))
    values = {"decided_by_id": cast.lead.id, "decided_at": NOON}
    (taken,) = desk.crowd(["taken"], state=ApplicationState.ACCEPTED, **values)
    end = NOON.replace(year=2020, month=8, day=31)

    assert forget(session, end + timedelta(days=90)) == 0
    assert forget(session, end + timedelta(days=91)) == 1
    assert forget(session, end + timedelta(days=92)) == 0

    session.expire_all()
    assert (lost.state, lost.name, lost.scenarios) == (ApplicationState.ERASED, "", [])
    assert (taken.state, taken.name) == (ApplicationState.ACCEPTED, "taken")
    assert session.scalars(sa.select(sa.func.count()).select_from(Application)).one() == 2
