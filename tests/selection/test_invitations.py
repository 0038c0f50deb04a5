"""Answers to invitations, in time and too late."""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.states import Role
from portal.applications.models import Application
from portal.applications.states import ApplicantKind, ApplicationState, Decision
from portal.challenges.actions import publish_agreement
from portal.challenges.models import Participant, Signature
from portal.challenges.states import ParticipantKind
from portal.core.db import db
from portal.core.errors import Conflict, Invalid, Refused
from portal.core.outbox import drain
from portal.core.todo import Queue, Task
from portal.selection import queries
from portal.selection.actions.invitations import (
    Signing,
    accept_invitation,
    expire_invitation,
    refuse_invitation,
    remind,
)
from portal.selection.jobs import expire_invitations, remind_invited
from tests.cast import NOON, Cast, sign_in
from tests.conftest import Clock
from tests.selection.conftest import ANSWER_BY, Bench, Mails

ADDRESS = "/challenges/test-challenge/invitation"
ADA = Signing("Ada Applicant")


def places(session: Session, cast: Cast) -> list[Participant]:
    """Who takes part besides the cast."""
    rows = (
        sa.select(Participant)
        .where(Participant.id.not_in([cast.participant.id, cast.team.id]))
        .order_by(Participant.id)
    )
    return list(session.scalars(rows))


def test_accepting_signs_and_makes_the_participant(session: Session, bench: Bench, cast: Cast, mails: Mails) -> None:
    application = bench.invited()

    accept_invitation(session, application, cast.applicant, ADA, at=NOON)

    assert application.state is ApplicationState.ACCEPTED
    (place,) = places(session, cast)
    assert (place.name, place.kind, place.accepted_at) == ("Ada Applicant", ParticipantKind.RESEARCHER, NOON)
    assert [(member.account_id, member.country) for member in place.members] == [(cast.applicant.id, "FR")]
    signed = session.scalars(sa.select(Signature).where(Signature.account_id == cast.applicant.id)).one()
    assert (signed.typed_name, signed.signed_at) == ("Ada Applicant", NOON)
    assert mails()[-1].template == "selection/accepted"
    assert bench.tags()[-1] == "selection:accept"


def test_a_team_takes_part_as_one(session: Session, bench: Bench, cast: Cast) -> None:
    content = bench.content(kind=ApplicantKind.TEAM, team=("cem@example.org",))
    application = bench.invited(bench.submitted(content=content))
    accept_invitation(session, application, cast.applicant, ADA, at=NOON)
    assert [(place.name, place.kind) for place in places(session, cast)] == [
        ("Analytical Engines", ParticipantKind.TEAM)
    ]


def test_refusing(session: Session, bench: Bench, cast: Cast) -> None:
    application = bench.invited()
    refuse_invitation(session, application, cast.applicant, at=NOON)
    assert (application.state, places(session, cast)) == (ApplicationState.REFUSED, [])
    with pytest.raises(Refused):
        accept_invitation(session, application, cast.applicant, ADA, at=NOON)


def test_without_a_name_nothing_is_signed(session: Session, bench: Bench, cast: Cast) -> None:
    application = bench.invited()
    with pytest.raises(Invalid):
        accept_invitation(session, application, cast.applicant, Signing("  "), at=NOON)
    assert application.state is ApplicationState.INVITED


def test_an_agreement_that_was_replaced_meanwhile_is_not_signed_unread(
    session: Session, bench: Bench, cast: Cast
) -> None:
    application = bench.invited()
    publish_agreement(session, cast.challenge, title="New", body="Other words.", by=cast.admin.id, at=NOON)
    session.commit()
    with pytest.raises(Conflict, match="newer version"):
        accept_invitation(session, application, cast.applicant, Signing("Ada", seen="0" * 64), at=NOON)
    session.rollback()
    assert (application.state, places(session, cast)) == (ApplicationState.INVITED, [])


def test_after_the_time_is_over_nobody_answers_even_before_the_job_has_run(
    session: Session, bench: Bench, cast: Cast
) -> None:
    application = bench.invited()
    for answer in (
        lambda: accept_invitation(session, application, cast.applicant, ADA, at=ANSWER_BY),
        lambda: refuse_invitation(session, application, cast.applicant, at=ANSWER_BY),
    ):
        with pytest.raises(Refused, match="time to answer is over"):
            answer()
    assert application.state is ApplicationState.INVITED


def test_an_invitation_expires_when_its_time_is_over(session: Session, bench: Bench, mails: Mails) -> None:
    application = bench.invited()
    with pytest.raises(Refused, match="still time"):
        expire_invitation(session, application, at=ANSWER_BY - timedelta(seconds=1))
    session.commit()
    assert expire_invitations(session, ANSWER_BY - timedelta(seconds=1)) == 0
    assert expire_invitations(session, ANSWER_BY) == 1
    assert expire_invitations(session, ANSWER_BY) == 0
    assert (application.state, mails()[-1].template) == (ApplicationState.EXPIRED, "selection/expired")


@pytest.mark.parametrize("first", ["accept", "expire"])
def test_either_the_answer_or_the_end_of_time(session: Session, bench: Bench, cast: Cast, first: str) -> None:
    number, account = bench.invited().id, cast.applicant
    session.commit()
    with Session(db.engine, expire_on_commit=False) as second:
        seen = second.get_one(Application, number)
        _ = seen.challenge.slug, seen.account
        second.commit()
        mine = session.get_one(Application, number)
        if first == "accept":
            accept_invitation(session, mine, account, ADA, at=NOON)
            session.commit()
            with pytest.raises(Conflict):
                expire_invitation(second, seen, at=ANSWER_BY)
        else:
            expire_invitation(session, mine, at=ANSWER_BY)
            session.commit()
            with pytest.raises(Conflict):
                accept_invitation(second, seen, seen.account, ADA, at=NOON)
    assert len(places(session, cast)) == (1 if first == "accept" else 0)


def test_a_second_click_makes_no_second_participant(session: Session, bench: Bench, cast: Cast) -> None:
    application = bench.invited()
    accept_invitation(session, application, cast.applicant, ADA, at=NOON)
    with pytest.raises(Refused):
        accept_invitation(session, application, cast.applicant, ADA, at=NOON)
    assert len(places(session, cast)) == 1


def test_the_invited_are_reminded_two_days_before_and_on_the_last_day(
    session: Session, bench: Bench, mails: Mails
) -> None:
    application = bench.invited()
    early = ANSWER_BY - timedelta(days=2, seconds=1)
    assert remind_invited(session, early) == 0
    assert remind(session, application, at=early) is False
    assert remind_invited(session, ANSWER_BY - timedelta(days=2)) == 1
    assert remind_invited(session, ANSWER_BY - timedelta(days=1, seconds=1)) == 0
    assert remind_invited(session, ANSWER_BY - timedelta(days=1)) == 1
    assert remind_invited(session, ANSWER_BY - timedelta(minutes=1)) == 0
    assert remind_invited(session, ANSWER_BY) == 0
    assert [mail.template for mail in mails()].count("selection/reminder") == 2


def test_who_has_less_than_a_week_is_reminded_once(session: Session, bench: Bench, mails: Mails) -> None:
    until = NOON + timedelta(days=5)
    bench.release(bench.wave((bench.submitted(), Decision.INVITE), answer_by=until), 1)
    assert remind_invited(session, until - timedelta(days=2)) == 1
    assert remind_invited(session, until - timedelta(hours=2)) == 0


def test_two_reminders_are_a_day_apart_however_late_the_first_was(session: Session, bench: Bench, mails: Mails) -> None:
    bench.invited()
    assert remind_invited(session, ANSWER_BY - timedelta(hours=30)) == 1
    assert remind_invited(session, ANSWER_BY - timedelta(hours=23)) == 0
    assert remind_invited(session, ANSWER_BY - timedelta(hours=6)) == 1


def test_a_reminder_that_came_too_late_is_not_sent(session: Session, bench: Bench, cast: Cast) -> None:
    application = bench.invited()
    remind(session, application, at=ANSWER_BY - timedelta(days=1))
    refuse_invitation(session, application, cast.applicant, at=ANSWER_BY - timedelta(days=1))
    session.commit()
    sent: list[str] = []
    drain(session, lambda mail: sent.append(mail.template), ANSWER_BY)
    assert "selection/invited" in sent
    assert "selection/reminder" not in sent


def test_answering_over_http(client: FlaskClient, session: Session, bench: Bench, cast: Cast) -> None:
    application = bench.invited()
    sign_in(client, cast.applicant)
    page = client.get(ADDRESS).text
    assert "You keep what you find to yourself until it is fixed." in page
    assert "Mon 22 Jun 2020, 14:00 CEST" in page
    assert client.post(ADDRESS, data={"typed_name": ""}).status_code == 422
    assert client.post(ADDRESS, data={"typed_name": "Ada", "seen": "0" * 64}).status_code == 409
    assert client.post(ADDRESS, data={"typed_name": "Ada"}).status_code == 409
    (seen,) = re.findall(r'name="seen" value="([0-9a-f]{64})"', page)
    answer = client.post(ADDRESS, data={"typed_name": "Ada Applicant", "seen": seen})
    assert (answer.status_code, answer.location) == (302, "/home")
    session.expire_all()
    assert application.state is ApplicationState.ACCEPTED
    assert client.get(ADDRESS).location == "/challenges/test-challenge/apply"
    assert client.post(f"{ADDRESS}/refuse").status_code == 422
    assert client.get(f"{ADDRESS}/refuse").status_code == 405


def test_an_invitation_is_only_its_persons(client: FlaskClient, session: Session, bench: Bench, cast: Cast) -> None:
    application = bench.invited()
    sign_in(client, cast.stranger)
    assert client.get(ADDRESS).status_code == 404
    assert client.post(ADDRESS, data={"typed_name": "Sam"}).status_code == 404
    assert client.post(f"{ADDRESS}/refuse").status_code == 404
    sign_in(client, None)
    assert client.get(ADDRESS).status_code == 302
    session.expire_all()
    assert application.state is ApplicationState.INVITED


def test_the_page_says_when_it_is_too_late(client: FlaskClient, bench: Bench, cast: Cast, clock: Clock) -> None:
    bench.invited()
    clock.at = ANSWER_BY
    sign_in(client, cast.applicant)
    assert "The time to answer is over" in client.get(ADDRESS).text
    assert client.post(ADDRESS, data={"typed_name": "Ada"}).status_code == 422


def test_an_invitation_is_a_task(session: Session, bench: Bench, cast: Cast) -> None:
    application = bench.submitted()
    bench.mean([application], Decision.INVITE)
    assert queries.tasks(session, cast.challenge, cast.applicant, NOON) == []
    bench.invited(application)
    assert queries.tasks(session, cast.challenge, cast.applicant, NOON) == [
        Task("Answer your invitation", ADDRESS, ANSWER_BY)
    ]
    assert queries.tasks(session, cast.challenge, cast.stranger, NOON) == []
    assert queries.tasks(session, cast.challenge, cast.applicant, ANSWER_BY) == []


def test_the_queues_of_the_staff(session: Session, bench: Bench, cast: Cast) -> None:
    bench.invited()
    rows = bench.crowd(["a", "b", "c"])
    bench.mean(rows[:2], Decision.INVITE)
    staff = "/staff/test-challenge"
    assert queries.queues(session, cast.challenge, frozenset({Role.LEAD}), NOON) == [
        Queue("Applications to triage", f"{staff}/triage", 3, NOON - timedelta(minutes=2)),
        Queue("Applications without a review", f"{staff}/review", 3, NOON - timedelta(minutes=2)),
        Queue("Decisions not yet in a wave", f"{staff}/waves", 2, NOON),
        Queue("Waves not yet out", f"{staff}/waves", 0, None),
        Queue("Invitations without an answer", f"{staff}/applications?state=invited", 1, NOON),
        Queue("Answers that could not be delivered", f"{staff}/undelivered", 0, None),
        Queue("Places free for the waiting list", f"{staff}/waitlist", 0, None),
    ]
    assert len(queries.queues(session, cast.challenge, frozenset({Role.REVIEWER}), NOON)) == 2
    assert queries.queues(session, cast.challenge, frozenset({Role.FINANCE}), NOON) == []
