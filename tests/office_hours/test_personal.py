"""What is handed over of a person's office hours, and what is forgotten with them."""

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts import personal
from portal.office_hours import actions
from portal.office_hours.actions import Wish
from portal.office_hours.actions.early import offer_answer
from portal.office_hours.actions.questions import put_question
from portal.office_hours.models import Booking, Feed, HostKey, ReminderChoice, SealedQuestion, WrittenAnswer
from portal.office_hours.personal import erase, objection
from portal.office_hours.states import BookingState, FeedScope
from tests.cast import NOON, Cast
from tests.office_hours.conftest import FIRST, SENDER, Stage


def test_the_export_tells_ones_own_bookings(session: Session, cast: Cast, stage: Stage) -> None:
    slots = stage.slots(stage.series())
    wish = Wish("key", "Firewall")
    booking = actions.book_slot(session, slots[0], cast.member, wish, at=NOON, sender=SENDER)
    stage.book(slots[1], cast.team.members[0], topic="A secret exploit chain")
    token = actions.open_feed(session, cast.researcher.id, FeedScope.MINE, at=NOON)
    assert personal.export(session, cast.researcher.id)["office_hours"]["reminders"] is None
    actions.choose_reminders(session, cast.researcher.id, ["day"], at=NOON)

    told = personal.export(session, cast.researcher.id)["office_hours"]

    assert told["bookings"] == [
        {
            "uid": booking.uid, "state": "confirmed", "starts_at": FIRST, "ends_at": FIRST + timedelta(minutes=30),
            "booked_at": NOON, "topic": "Firewall", "component": "", "source": "page",
        }
    ]  # fmt: skip
    assert (told["sealed_questions"], told["written_answers"], told["certificates"]) == ([], [], [])
    assert told["calendar_addresses"] == [{"shows": "mine", "created_at": NOON, "revoked_at": None}]
    assert told["reminders"] == {"day": True, "hour": False, "quarter": False}
    assert token not in str(told)


def test_a_coming_booking_is_cancelled_before_the_account_goes(session: Session, cast: Cast, stage: Stage) -> None:
    stage.book(stage.slots(stage.series())[0])

    assert objection(session, cast.researcher.id, NOON) == "You have booked office hours. Cancel them first."
    assert objection(session, cast.researcher.id, FIRST) is None
    assert objection(session, cast.colleague.id, NOON) is None


def test_erasing_forgets_words_and_closes_calendars(session: Session, cast: Cast, stage: Stage) -> None:
    stage.book(stage.slots(stage.series())[0], topic="A secret exploit chain")
    actions.open_feed(session, cast.researcher.id, FeedScope.MINE, at=NOON)
    actions.publish_busy_times(session, cast.challenge, by=cast.researcher.id, at=NOON)
    actions.choose_reminders(session, cast.researcher.id, ["day"], at=NOON)

    erase(session, cast.researcher.id, NOON)

    booking = session.scalars(sa.select(Booking)).one()
    assert (booking.topic, booking.state) == ("Erased", BookingState.CONFIRMED)
    # That somebody is busy says nothing of who published it.
    ended = sa.select(Feed.scope, Feed.revoked_at).order_by(Feed.id)
    assert session.execute(ended).all() == [(FeedScope.MINE, NOON), (FeedScope.BUSY, None)]
    assert session.scalars(sa.select(ReminderChoice)).all() == []


def test_questions_answers_and_certificates_are_handed_over_and_forgotten(
    session: Session, cast: Cast, stage: Stage
) -> None:
    (key,) = stage.certify()
    booking = stage.book(stage.slots(stage.series())[0])
    question = put_question(session, booking, stage.sealed(key), by=cast.researcher.id, at=NOON)
    sha256, size, recipients = question.sha256, question.size, question.recipients
    offer_answer(session, booking, "In partition three.", by=cast.host.id, at=NOON)
    researcher, host = (personal.export(session, each.id)["office_hours"] for each in (cast.researcher, cast.host))

    erase(session, cast.researcher.id, NOON)
    erase(session, cast.host.id, NOON)

    assert researcher["sealed_questions"] == [
        {"sealed_at": NOON, "size": size, "sha256": sha256, "recipients": recipients}
    ]
    answer = {"offered_at": NOON, "state": "offered", "text": "In partition three."}
    assert researcher["written_answers"] == host["written_answers"] == [answer]
    assert [each["fingerprint"] for each in host["certificates"]] == [key.fingerprint]
    for kind in (SealedQuestion, WrittenAnswer, HostKey):
        assert session.scalars(sa.select(kind)).all() == []
