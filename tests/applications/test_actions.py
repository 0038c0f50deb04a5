"""Drafting, submitting, revising, withdrawing."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.applications import actions, queries, states
from portal.applications.models import Application, Revision, Step
from portal.applications.rules import Content, content_of
from portal.applications.states import ApplicantKind, ApplicationState
from portal.challenges.models import Participant, Scenario
from portal.challenges.states import ParticipantState
from portal.core.audit import AuditEntry
from portal.core.db import db
from portal.core.errors import Conflict, Invalid, Refused
from portal.core.outbox import OutgoingMail
from tests.applications.conftest import KEY, LINK, Desk
from tests.cast import NOON, Cast, make_account, make_challenge

Mails = Callable[[], list[OutgoingMail]]


def tags(session: Session) -> list[tuple[str, int | None]]:
    session.commit()
    return [
        (entry.tag, entry.actor_id)
        for entry in session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id))
        if entry.tag.startswith("applications:")
    ]


def put(session: Session, desk: Desk, application: Application, state: ApplicationState) -> None:
    """Bring an application into a state, with the data that belongs to it."""
    values: dict[str, object] = {"state": state}
    if state in states.DECIDED:
        values |= {"decided_by_id": desk.cast.lead.id, "decided_at": NOON}
    if state is ApplicationState.INVITED:
        values["answer_by"] = NOON + timedelta(days=7)
    if state is ApplicationState.DISQUALIFIED:
        values |= {"disqualified": "spam", "disqualified_reason": "spam"}
    if state is ApplicationState.DRAFT:
        values["submitted_at"] = None
    session.execute(sa.update(Application).where(Application.id == application.id).values(**values))
    session.commit()


def test_a_draft_begins_with_the_name_of_the_account(session: Session, cast: Cast, mails: Mails) -> None:
    application = actions.start_draft(session, cast.challenge, cast.applicant, at=NOON)

    assert (application.state, application.name, application.version) == (ApplicationState.DRAFT, "Ada Applicant", 0)
    assert application.canonical_email == "ada-applicant@example.org"
    assert tags(session) == [("applications:start", cast.applicant.id)]
    assert mails() == []


def test_a_second_draft_of_the_same_person_is_a_conflict(session: Session, desk: Desk, cast: Cast) -> None:
    desk.draft()
    with pytest.raises(Conflict):
        actions.start_draft(session, cast.challenge, cast.applicant, at=NOON)


def test_one_mailbox_has_one_live_application(session: Session, desk: Desk, cast: Cast) -> None:
    application = desk.submitted()
    again = make_account(session, "Ada Again")
    again.canonical_email = cast.applicant.canonical_email
    session.commit()

    with pytest.raises(Conflict, match="from this mailbox"):
        actions.start_draft(session, cast.challenge, again, at=NOON)
    session.rollback()

    actions.withdraw_application(session, application, at=NOON)
    desk.draft(again)
    with pytest.raises(Conflict, match="from this mailbox"):
        actions.return_application(session, application, cast.applicant, at=NOON)


def test_the_same_person_applies_for_two_challenges(session: Session, desk: Desk, cast: Cast) -> None:
    desk.draft()
    other = make_challenge(session, "other", "Other")
    assert actions.start_draft(session, other, cast.applicant, at=NOON).challenge_id == other.id


@pytest.mark.parametrize(("minutes", "words"), [(-1, "not open yet"), (1, "have closed")])
def test_nothing_is_begun_saved_submitted_or_returned_while_closed(
    session: Session, desk: Desk, cast: Cast, minutes: int, words: str
) -> None:
    challenge, application = cast.challenge, desk.draft()
    edge = challenge.apply_from if minutes < 0 else challenge.apply_until - timedelta(minutes=1)
    at = edge + timedelta(minutes=minutes)
    content = desk.content()

    with pytest.raises(Refused, match=words):
        actions.start_draft(session, challenge, cast.stranger, at=at)
    with pytest.raises(Refused, match=words):
        actions.save_draft(session, application, content, version=1, at=at)
    with pytest.raises(Refused, match=words):
        actions.submit_application(session, application, cast.applicant, at=at)
    actions.submit_application(session, application, cast.applicant, at=NOON)
    with pytest.raises(Refused, match=words):
        actions.revise_application(session, application, content, version=1, at=at)
    actions.withdraw_application(session, application, at=at)
    with pytest.raises(Refused, match=words):
        actions.return_application(session, application, cast.applicant, at=at)


def test_a_draft_keeps_all_that_was_typed(session: Session, desk: Desk) -> None:
    content = desk.content("H1", "G2", kind=ApplicantKind.TEAM, team=("cem@example.org",), certificate=KEY)

    application = desk.draft(content=content)

    session.expire_all()
    assert content_of(application) == content
    assert (application.version, application.links, application.state) == (1, [LINK], ApplicationState.DRAFT)


def test_a_half_draft_is_kept_and_not_submitted(session: Session, desk: Desk, cast: Cast, mails: Mails) -> None:
    application = desk.draft(content=Content(name="Ada"))

    with pytest.raises(Invalid) as refused:
        actions.submit_application(session, application, cast.applicant, at=NOON)

    assert {"country", "plan", "agrees"} <= set(refused.value.messages)
    assert "name" not in refused.value.messages
    assert (application.state, mails()) == (ApplicationState.DRAFT, [])


def test_what_does_not_fit_is_not_saved(session: Session, desk: Desk) -> None:
    application = desk.draft()
    with pytest.raises(Invalid) as refused:
        actions.save_draft(session, application, desk.content(links=("javascript:x",)), version=1, at=NOON)
    assert list(refused.value.messages) == ["links"]
    assert application.links == [LINK]


def test_scenarios_of_another_challenge_are_not_taken(session: Session, desk: Desk) -> None:
    other = make_challenge(session, "other", "Other")
    foreign = session.scalars(sa.select(Scenario.id).where(Scenario.challenge_id == other.id)).all()
    with pytest.raises(Invalid) as refused:
        desk.draft(content=desk.content(scenario_ids=frozenset(foreign)))
    assert list(refused.value.messages) == ["scenario_ids"]


def test_the_second_of_two_tabs_loses(session: Session, desk: Desk) -> None:
    application = desk.draft()
    actions.save_draft(session, application, desk.content(plan="in the first tab"), version=1, at=NOON)

    with pytest.raises(Conflict, match="another tab"):
        actions.save_draft(session, application, desk.content(plan="in the second tab"), version=1, at=NOON)

    assert (application.plan, application.version) == ("in the first tab", 2)


def test_submitting_makes_a_receipt_a_revision_and_a_step(
    session: Session, desk: Desk, cast: Cast, mails: Mails
) -> None:
    application = desk.draft()

    actions.submit_application(session, application, cast.applicant, at=NOON)

    assert (application.state, application.submitted_at) == (ApplicationState.SUBMITTED, NOON)
    assert application.agreement_id is not None
    assert [(mail.template, mail.to) for mail in mails()] == [("applications/received", "ada-applicant@example.org")]
    assert [(step.state, step.by_id) for step in queries.steps(session, application.id)] == [
        (ApplicationState.SUBMITTED, cast.applicant.id)
    ]
    kept = session.scalars(sa.select(Revision)).one()
    assert (kept.number, kept.content["plan"], kept.content["scenario_ids"]) == (
        1, "Read the network daemon.", [desk.codes["G1"]],
    )  # fmt: skip
    assert tags(session)[-1] == ("applications:submit", cast.applicant.id)


def test_an_address_that_is_not_confirmed_submits_nothing(
    session: Session, desk: Desk, cast: Cast, mails: Mails
) -> None:
    cast.applicant.confirmed_at = None
    application = desk.draft()
    with pytest.raises(Refused, match="Confirm your e-mail address"):
        actions.submit_application(session, application, cast.applicant, at=NOON)
    assert mails() == []


@pytest.mark.parametrize("state", sorted(set(ApplicationState) - states.SUBMIT.sources))
def test_submitting_is_refused_from_any_other_state(
    session: Session, desk: Desk, cast: Cast, state: ApplicationState
) -> None:
    application = desk.submitted()
    put(session, desk, application, state)
    with pytest.raises(Refused, match="Submit"):
        actions.submit_application(session, application, cast.applicant, at=NOON)


def test_a_revision_stays_submitted_and_leaves_what_was_before(
    session: Session, desk: Desk, cast: Cast, mails: Mails
) -> None:
    application = desk.submitted()

    actions.revise_application(
        session, application, desk.content("H1", plan="Read the bootloader."), version=1, at=NOON + timedelta(hours=1)
    )

    assert (application.state, application.plan, application.submitted_at) == (
        ApplicationState.SUBMITTED, "Read the bootloader.", NOON,
    )  # fmt: skip
    assert [scenario.code for scenario in application.scenarios] == ["H1"]
    kept = session.scalars(sa.select(Revision).order_by(Revision.number)).all()
    assert [(revision.number, revision.content["plan"]) for revision in kept] == [
        (1, "Read the network daemon."), (2, "Read the bootloader."),
    ]  # fmt: skip
    assert tags(session)[-1] == ("applications:revise", cast.applicant.id)
    assert len(mails()) == 1


def test_a_revision_that_changes_nothing_is_none(session: Session, desk: Desk) -> None:
    application = desk.submitted()
    actions.revise_application(session, application, content_of(application), version=1, at=NOON)
    assert application.version == 1
    assert len(queries.revisions(session, application.id)) == 1


def test_a_revision_must_be_whole_and_fresh(session: Session, desk: Desk) -> None:
    application = desk.submitted()
    with pytest.raises(Invalid) as refused:
        actions.revise_application(session, application, desk.content(plan=""), version=1, at=NOON)
    assert list(refused.value.messages) == ["plan"]
    with pytest.raises(Conflict):
        actions.revise_application(session, application, desk.content(plan="stale"), version=0, at=NOON)


@pytest.mark.parametrize("state", sorted(states.WITHDRAW.sources))
def test_withdrawing(session: Session, desk: Desk, cast: Cast, state: ApplicationState) -> None:
    application = desk.submitted()
    put(session, desk, application, state)
    application.pending_decision, application.pending_at, application.wave_id = states.Decision.INVITE, NOON, 7

    actions.withdraw_application(session, application, at=NOON)

    assert application.state is ApplicationState.WITHDRAWN
    assert (application.pending_decision, application.pending_at, application.wave_id) == (None, None, None)
    assert tags(session)[-1] == ("applications:withdraw", cast.applicant.id)


@pytest.mark.parametrize("state", sorted(set(ApplicationState) - states.WITHDRAW.sources))
def test_withdrawing_is_refused_from_any_other_state(session: Session, desk: Desk, state: ApplicationState) -> None:
    application = desk.submitted()
    put(session, desk, application, state)
    with pytest.raises(Refused, match="Withdraw"):
        actions.withdraw_application(session, application, at=NOON)


def test_giving_a_place_back_ends_the_participation(session: Session, desk: Desk, cast: Cast) -> None:
    application = desk.submitted(cast.researcher)
    put(session, desk, application, ApplicationState.ACCEPTED)

    actions.withdraw_application(session, application, at=NOON)

    assert session.get_one(Participant, cast.participant.id).state is ParticipantState.REMOVED
    with pytest.raises(Refused, match="given your place back"):
        actions.return_application(session, application, cast.researcher, at=NOON)


def test_returning_is_submitting_again(session: Session, desk: Desk, cast: Cast, mails: Mails) -> None:
    application = desk.submitted()
    put(session, desk, application, ApplicationState.INVITED)
    actions.withdraw_application(session, application, at=NOON + timedelta(hours=1))

    actions.return_application(session, application, cast.applicant, at=NOON + timedelta(hours=2))

    assert (application.state, application.submitted_at) == (ApplicationState.SUBMITTED, NOON)
    assert (application.decided_at, application.decided_by_id, application.answer_by) == (None, None, None)
    assert [mail.template for mail in mails()] == ["applications/received"] * 2
    assert [step.state for step in session.scalars(sa.select(Step).order_by(Step.id))] == [
        ApplicationState.SUBMITTED, ApplicationState.WITHDRAWN, ApplicationState.SUBMITTED,
    ]  # fmt: skip


def test_the_second_of_two_who_saw_it_submitted_loses(session: Session, desk: Desk) -> None:
    number = desk.submitted().id
    session.commit()
    with Session(db.engine, expire_on_commit=False) as second:
        seen = second.get_one(Application, number)
        _ = seen.challenge
        second.commit()
        actions.withdraw_application(session, session.get_one(Application, number), at=NOON)
        session.commit()

        with pytest.raises(Conflict):
            actions.withdraw_application(second, seen, at=NOON)


def test_erasing_is_the_end_of_every_state() -> None:
    assert states.ERASE.sources == set(ApplicationState) - {ApplicationState.ERASED}
    assert not [move for move in states.MOVES if ApplicationState.ERASED in move.sources]


def test_every_state_but_the_first_is_reached() -> None:
    assert {move.target for move in states.MOVES} == set(ApplicationState) - {ApplicationState.DRAFT}
    assert len({move.name for move in states.MOVES}) == len(states.MOVES)
