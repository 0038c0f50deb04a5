"""Sealed questions: kept, replaced, asked for, and slots let go where none has come."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core.audit import AuditEntry
from portal.core.errors import Invalid, Refused
from portal.core.outbox import OutgoingMail
from portal.office_hours import actions, queries
from portal.office_hours.actions import questions
from portal.office_hours.actions.hostkeys import give_certificate
from portal.office_hours.models import Booking, HostKey, SealedQuestion
from portal.office_hours.queries.questions import preparation, preparations
from portal.office_hours.rules import Share
from portal.office_hours.rules.questions import Package
from portal.office_hours.states import BookingState
from portal.reports.actions import drafts
from portal.reports.actions.keys import publish_key_set
from portal.reports.certificates import Unfit
from portal.reports.states import Severity
from tests.cast import NOON, Cast
from tests.office_hours.conftest import FIRST, SENDER, Stage
from tests.reports.conftest import RECOVERY, TOM
from tests.reports.openpgp import certificate

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DUE = FIRST - DAY
LONG_AGO = NOON - 30 * DAY


def demanding(stage: Stage, **more: Any) -> Booking:
    """A booking whose question is due a day before."""
    return stage.book(stage.slots(stage.series(question_due_minutes=24 * 60, **more))[0])


def mails(session: Session, template: str) -> list[str]:
    sent = sa.select(OutgoingMail.to).where(OutgoingMail.template == f"office_hours/{template}")
    return list(session.scalars(sent.order_by(OutgoingMail.id)))


def the_question(session: Session) -> SealedQuestion:
    return session.scalars(sa.select(SealedQuestion).execution_options(populate_existing=True)).one()


def put(session: Session, stage: Stage, booking: Booking, *keys: HostKey, at: Any = NOON, size: int = 64) -> None:
    data = stage.sealed(*keys, size=size)
    questions.put_question(session, booking, data, by=stage.cast.researcher.id, at=at)


# Certificates


def test_a_certificate_is_replaced_and_the_old_one_stays_as_history(session: Session, cast: Cast, stage: Stage) -> None:
    (old,) = stage.certify(at=NOON)
    (new,) = stage.certify(at=NOON + HOUR, seed=7)

    assert (old.retired_at, new.retired_at) == (NOON + HOUR, None)
    entry = session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert (entry.tag, entry.actor_id) == ("office_hours:give-certificate", cast.host.id)
    assert entry.detail["before"] == {"fingerprint": old.fingerprint}
    assert entry.detail["after"]["fingerprint"] == new.fingerprint


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Paste one armored certificate"),
        (certificate(features=b""), "Its Features are missing"),
        (certificate(algorithm=1, binding=()), "It has no encryption subkey"),
    ],
)
def test_an_unfit_certificate_is_refused(session: Session, cast: Cast, text: str, reason: str) -> None:
    with pytest.raises(Unfit, match=reason):
        give_certificate(session, cast.host.id, text, at=NOON)

    assert session.scalars(sa.select(HostKey)).all() == []


def test_nobody_gives_a_colleagues_certificate(session: Session, cast: Cast, stage: Stage) -> None:
    text = certificate("Hugo <hugo@example.org>", seed=5)
    give_certificate(session, cast.host.id, text, at=NOON)

    with pytest.raises(Refused, match="Another host has given this"):
        give_certificate(session, cast.second_host.id, text, at=NOON)


# Sealing


def test_a_question_is_kept_with_what_shows_of_it(session: Session, cast: Cast, stage: Stage) -> None:
    keys = stage.certify()
    booking = demanding(stage)

    put(session, stage, booking, *keys)
    put(session, stage, booking, *keys, at=NOON + HOUR, size=90)
    session.commit()

    question = the_question(session)
    assert (question.sealed_by_id, question.sealed_at) == (cast.researcher.id, NOON + HOUR)
    assert question.content == stage.sealed(*keys, size=90)
    assert (question.size, question.recipients) == (len(question.content), keys[0].key_ids)
    mine = sa.select(AuditEntry.tag).where(AuditEntry.subject == f"booking:{booking.id}")
    tags = session.scalars(mine.order_by(AuditEntry.id)).all()
    assert tags == ["office_hours:book", "office_hours:seal-question", "office_hours:seal-question"]


def test_both_engineers_have_to_be_able_to_open_it(session: Session, cast: Cast, stage: Stage) -> None:
    hosts = (Share(cast.host.id), Share(cast.second_host.id))
    booking = stage.book(stage.slots(stage.series(hosts=hosts, engineers=2))[0])
    hugo, hana = stage.certify(cast.host, cast.second_host)

    with pytest.raises(Refused, match="Missing: Hana Host"):
        put(session, stage, booking, hugo)
    put(session, stage, booking, hugo, hana)

    assert preparation(session, booking, NOON).stands is Package.SEALED


def test_without_a_certificate_nothing_can_be_sealed(session: Session, cast: Cast, stage: Stage) -> None:
    booking = demanding(stage)

    with pytest.raises(Refused, match="has no certificate that can be sealed to"):
        put(session, stage, booking)

    assert preparation(session, booking, NOON).due is None


def test_what_is_late_or_over_takes_no_question(session: Session, cast: Cast, stage: Stage) -> None:
    keys = stage.certify(at=LONG_AGO)
    booking = demanding(stage)

    with pytest.raises(Refused, match="until 1 day before the slot"):
        put(session, stage, booking, *keys, at=DUE)
    actions.cancel_booking(session, booking, by=cast.researcher.id, at=NOON, sender=None)
    with pytest.raises(Refused, match="this one is cancelled"):
        put(session, stage, booking, *keys)


def test_a_substitute_makes_it_sealed_for_somebody_else(session: Session, cast: Cast, stage: Stage) -> None:
    hugo, hana = stage.certify(cast.host, cast.second_host, at=LONG_AGO)
    booking = demanding(stage)
    put(session, stage, booking, hugo)
    slot = queries.slot_of(session, cast.challenge.id, booking.slot_id)
    actions.substitute(session, [slot], cast.host, cast.second_host.id, by=cast.lead.id, at=NOON, sender=None)

    prepared = preparation(session, queries.whole_booking(session, booking.id), NOON)
    told = [questions.ask_for_questions(session, at=NOON) for _ in range(2)]

    assert (prepared.stands, prepared.closes, told) == (Package.ELSEWHERE, FIRST - HOUR, [1, 0])
    assert mails(session, "seal_again") == [cast.researcher.email]
    mail = session.scalars(sa.select(OutgoingMail).where(OutgoingMail.template == questions.AGAIN)).one()
    assert questions.still_true(session, mail, at=NOON)
    put(session, stage, booking, hana, at=FIRST - 2 * HOUR)
    assert not questions.still_true(session, mail, at=FIRST - 2 * HOUR)


def test_a_new_certificate_makes_it_sealed_for_somebody_else(session: Session, cast: Cast, stage: Stage) -> None:
    (old,) = stage.certify(at=LONG_AGO)
    booking = demanding(stage)
    put(session, stage, booking, old)
    stage.certify(at=NOON + HOUR, seed=3)

    assert questions.ask_for_questions(session, at=NOON + HOUR) == 1
    assert preparation(session, booking, NOON + HOUR).stands is Package.ELSEWHERE
    # Once told is told; yet another certificate is news again.
    assert questions.ask_for_questions(session, at=NOON + HOUR) == 0
    stage.certify(at=NOON + 2 * HOUR, seed=9)
    assert questions.ask_for_questions(session, at=NOON + 2 * HOUR) == 1


# Due


@pytest.mark.parametrize(
    ("at", "reminded"), [(DUE - DAY - timedelta(seconds=1), 0), (DUE - DAY, 1), (DUE - HOUR, 1), (DUE, 0)]
)
def test_the_reminder_comes_a_day_before_it_is_due(
    session: Session, cast: Cast, stage: Stage, at: Any, reminded: int
) -> None:
    stage.certify(at=LONG_AGO)
    stage.book(stage.slots(stage.series(question_due_minutes=24 * 60))[0], at=NOON - 5 * DAY)

    assert [questions.ask_for_questions(session, at=at) for _ in range(2)] == [reminded, 0]
    assert mails(session, "question_due") == [cast.researcher.email] * reminded


@pytest.mark.parametrize(("early", "gone"), [(timedelta(microseconds=1), []), (timedelta(), [True])])
def test_the_slot_is_let_go_exactly_when_the_question_is_due(
    session: Session, cast: Cast, stage: Stage, early: timedelta, gone: list[bool]
) -> None:
    stage.certify(at=LONG_AGO)
    booking = demanding(stage)
    at = DUE - early

    ids = questions.unasked(session, at=at)
    done = [questions.let_go(session, number, at=at, sender=SENDER) for number in ids]
    again = questions.let_go(session, booking.id, at=at, sender=SENDER)

    assert (done, again, questions.unasked(session, at=at)) == (gone, False, [])
    state = queries.whole_booking(session, booking.id).state
    assert state is (BookingState.CANCELLED if gone else BookingState.CONFIRMED)
    cancelled = session.scalars(sa.select(OutgoingMail).where(OutgoingMail.template == "office_hours/cancelled")).all()
    assert {mail.context["reason"] for mail in cancelled} == ({questions.NO_QUESTION} if gone else set())
    assert all(mail.context["credit"] for mail in cancelled)
    # The week's credit is there again.
    assert queries.quota_used(session, cast.participant.id, [booking.quota_period]).total() == (0 if gone else 1)


def test_nobody_acts_when_the_portal_lets_go(session: Session, cast: Cast, stage: Stage) -> None:
    stage.certify(at=LONG_AGO)
    booking = demanding(stage)
    questions.let_go(session, booking.id, at=DUE, sender=None)
    session.commit()

    entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.tag == "office_hours:release")).one()
    assert (entry.subject, entry.actor_id) == (f"booking:{booking.id}", None)


def test_a_question_that_came_in_the_meantime_keeps_the_slot(session: Session, cast: Cast, stage: Stage) -> None:
    keys = stage.certify(at=LONG_AGO)
    booking = demanding(stage)
    assert questions.unasked(session, at=DUE) == [booking.id]
    put(session, stage, booking, *keys, at=DUE - timedelta(seconds=1))

    assert not questions.let_go(session, booking.id, at=DUE, sender=SENDER)
    assert booking.state is BookingState.CONFIRMED


def test_who_could_not_seal_in_time_keeps_the_slot(session: Session, cast: Cast, stage: Stage) -> None:
    stage.certify(at=DUE - timedelta(minutes=59))
    booking = demanding(stage)

    assert questions.unasked(session, at=DUE) == []
    assert preparation(session, booking, DUE).closes == FIRST - HOUR


def test_who_books_after_it_was_due_keeps_the_slot(session: Session, cast: Cast, stage: Stage) -> None:
    keys = stage.certify(at=LONG_AGO)
    slot = stage.slots(stage.series(question_due_minutes=24 * 60))[0]
    booking = stage.book(slot, at=DUE + HOUR)

    assert questions.unasked(session, at=FIRST - timedelta(minutes=1)) == []
    put(session, stage, booking, *keys, at=FIRST - HOUR - timedelta(seconds=1))
    with pytest.raises(Refused, match="until 1 hour before"):
        put(session, stage, booking, *keys, at=FIRST - HOUR)


def test_a_question_for_a_host_who_was_replaced_still_counts(session: Session, cast: Cast, stage: Stage) -> None:
    (old,) = stage.certify(at=LONG_AGO)
    booking = demanding(stage)
    put(session, stage, booking, old)
    stage.certify(at=NOON + HOUR, seed=3)

    assert questions.unasked(session, at=DUE) == []


def test_the_series_says_it_in_minutes_before_the_cut_off(session: Session, cast: Cast, stage: Stage) -> None:
    with pytest.raises(Invalid, match="before bookings can no longer be given back"):
        stage.series(question_due_minutes=719)
    assert stage.series(question_due_minutes=720).question_due_minutes == 720


# Reports and forgetting


def test_a_report_goes_with_a_booking(session: Session, cast: Cast, stage: Stage) -> None:
    publish_key_set(session, [(cast.triager.id, TOM)], RECOVERY, by=cast.admin.id, at=NOON)
    given = drafts.Particulars("Report about the network daemon", Severity.IMPORTANT, "20.06")
    report = drafts.begin_report(session, cast.challenge, cast.member, given, at=NOON)
    booking = stage.book(stage.slots(stage.series())[0])

    questions.link_report(session, booking, report, by=cast.researcher.id, at=NOON)
    linked = preparation(session, booking, NOON).report
    questions.link_report(session, booking, None, by=cast.researcher.id, at=NOON)

    assert linked == report
    assert preparation(session, booking, NOON).report is None


def test_questions_are_forgotten_with_their_bookings_and_after_a_month(
    session: Session, cast: Cast, stage: Stage
) -> None:
    keys = stage.certify()
    slots = stage.slots(stage.series(weekly_quota=4))
    first, second = stage.book(slots[0]), stage.book(slots[1])
    put(session, stage, first, *keys)
    put(session, stage, second, *keys)
    actions.cancel_booking(session, second, by=cast.researcher.id, at=NOON, sender=None)

    assert questions.forget_questions(session, at=NOON) == 1
    assert questions.forget_questions(session, at=first.ends_at + 30 * DAY) == 0
    assert questions.forget_questions(session, at=first.ends_at + 30 * DAY + timedelta(seconds=1)) == 1


def test_preparing_costs_the_same_for_few_and_for_many(
    session: Session, cast: Cast, stage: Stage, statements: list[str]
) -> None:
    keys = stage.certify()
    slots = stage.slots(stage.series(weekly_quota=9, slots=8))
    made = [stage.book(slot) for slot in slots[:5]]
    for booking in made:
        put(session, stage, booking, *keys)
    session.commit()
    ids, costs = [booking.id for booking in made], []
    for number in (1, 5):
        session.expunge_all()
        whole = [queries.whole_booking(session, booking_id) for booking_id in ids[:number]]
        statements.clear()
        preparations(session, whole, NOON)
        costs.append(len(statements))

    assert costs[0] == costs[1]
