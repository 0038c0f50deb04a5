"""Answers for all: four eyes, consent, search, and nothing that leads to a person."""

import re

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

import portal.office_hours.queries.answers as found
from portal.accounts import personal
from portal.core.audit import AuditEntry
from portal.core.errors import Conflict, NotFound, Refused
from portal.core.outbox import OutgoingMail
from portal.office_hours import states
from portal.office_hours.actions.answers import (
    Words,
    draft_answer,
    move_answer,
    review_answer,
    rewrite_answer,
    say_consent,
)
from portal.office_hours.models import Answer, Booking
from portal.office_hours.queries import whole_booking
from portal.office_hours.states import AnswerState, Consent
from tests.cast import NOON, Cast, sign_in
from tests.office_hours.conftest import Stage

PAGE, STAFF = "/challenges/test-challenge/office-hours", "/staff/test-challenge/office-hours"
WORDS = Words("Which stages are verified?", "All of the boot?", "Every stage checks the **next** one.", "boot")
VOUCHES = {"person": "y", "company": "y", "weakness": "y", "version": "1"}


@pytest.fixture
def asked(session: Session, stage: Stage) -> Booking:
    """The researcher's booking."""
    made = stage.book(stage.slots(stage.series())[0])
    session.commit()
    return whole_booking(session, made.id)


def drafted(session: Session, cast: Cast, booking: Booking | None = None, words: Words = WORDS) -> Answer:
    return draft_answer(session, cast.challenge, words, by=cast.host.id, at=NOON, booking=booking)


def reviewed(session: Session, cast: Cast, booking: Booking | None = None, words: Words = WORDS) -> Answer:
    made = drafted(session, cast, booking, words)
    review_answer(session, made, cast.challenge, version=1, by=cast.lead.id, at=NOON)
    return made


def published(session: Session, cast: Cast, words: Words = WORDS) -> Answer:
    made = reviewed(session, cast, None, words)
    move_answer(session, made, cast.challenge, states.PUBLISH, by=cast.lead.id, at=NOON)
    return made


def test_one_writes_another_reviews_and_then_all_read(client: FlaskClient, session: Session, cast: Cast) -> None:
    sign_in(client, cast.host)
    made = client.post(f"{STAFF}/answers/new", data={**WORDS._asdict(), "component": "Boot"})
    page = made.location
    key = page.rpartition("/")[2]
    assert "Somebody else reviews it" in client.get(page).text
    assert client.post(f"{page}/review", data=VOUCHES).status_code == 422
    sign_in(client, cast.second_host)
    for missing in ("person", "company", "weakness"):
        assert client.post(f"{page}/review", data={**VOUCHES, missing: ""}).status_code == 422
    assert client.post(f"{page}/publish").status_code == 422
    assert client.post(f"{page}/review", data=VOUCHES).status_code == 302
    sign_in(client, cast.researcher)
    assert client.get(f"{PAGE}/answers/{key}").status_code == 404
    sign_in(client, cast.host)
    assert client.post(f"{page}/publish").status_code == 302

    sign_in(client, cast.colleague)
    assert "Every stage checks the <strong>next</strong> one." in client.get(f"{PAGE}/answers/{key}").text
    assert "Which stages are verified?" in client.get(f"{PAGE}/answers?component=boot").text
    sign_in(client, cast.lead)
    assert client.post(f"{page}/withdraw", data={"reason": ""}).status_code == 422
    assert client.post(f"{page}/withdraw", data={"reason": "Outdated"}).status_code == 302
    assert client.get(f"{PAGE}/answers/{key}").status_code == 404
    assert client.post(f"{page}/return").status_code == 302
    tags = session.scalars(
        sa.select(AuditEntry.tag).where(AuditEntry.subject.like("answer:%")).order_by(AuditEntry.id)
    ).all()
    assert [tag.partition(":")[2] for tag in tags] == [
        "draft-answer", "review-answer", "publish-answer", "withdraw-answer", "return-answer",
    ]  # fmt: skip


def test_the_database_wants_two_people(session: Session, cast: Cast) -> None:
    made = drafted(session, cast)
    made.state, made.reviewed_by_id = AnswerState.REVIEWED, cast.host.id

    with pytest.raises(sa.exc.IntegrityError, match="two_people"):
        session.flush()


def test_whoever_changes_a_draft_no_longer_reviews_it(session: Session, cast: Cast) -> None:
    made = drafted(session, cast)
    rewrite_answer(session, made, cast.challenge, WORDS, version=1, by=cast.lead.id, at=NOON)

    with pytest.raises(Refused, match="Somebody else reviews it"):
        review_answer(session, made, cast.challenge, version=2, by=cast.lead.id, at=NOON)
    with pytest.raises(Conflict):
        review_answer(session, made, cast.challenge, version=1, by=cast.second_host.id, at=NOON)
    with pytest.raises(Conflict, match="Somebody has changed this draft"):
        rewrite_answer(session, made, cast.challenge, WORDS, version=1, by=cast.host.id, at=NOON)


@pytest.mark.parametrize("name", ["Rosa Researcher", "team kestrel", "Hugo Host", "rosa@example.org"])
def test_nothing_with_a_name_in_it_passes(session: Session, cast: Cast, stage: Stage, name: str) -> None:
    stage.series()
    made = drafted(session, cast, words=WORDS._replace(answer=f"As we told {name} already."))

    with pytest.raises(Refused, match="stands in it"):
        review_answer(session, made, cast.challenge, version=1, by=cast.lead.id, at=NOON)


def test_those_whose_question_it_was_are_asked(
    client: FlaskClient, session: Session, cast: Cast, asked: Booking
) -> None:
    made = reviewed(session, cast, asked)
    session.commit()
    mail = session.scalars(sa.select(OutgoingMail).where(OutgoingMail.template == "office_hours/consent")).one()
    assert (mail.to, WORDS.title in str(mail.context)) == ("rosa-researcher@example.org", False)
    staff, mine = f"{STAFF}/answers/{made.key}", f"{PAGE}/bookings/{asked.uid}/consent/{made.key}"
    sign_in(client, cast.lead)
    assert client.post(f"{staff}/publish").status_code == 422
    sign_in(client, cast.researcher)
    assert "May this be published?" in client.get(f"{PAGE}/bookings/{asked.uid}").text
    wrong = [{}, {"agrees": "yes"}, {"agrees": "maybe", "version": "1"}, {"agrees": "yes", "version": "9" * 30}]
    assert [client.post(mine, data=data).status_code for data in wrong] == [404] * 4
    assert client.post(mine, data={"agrees": "yes", "version": "2"}).status_code == 409
    assert client.post(mine, data={"agrees": "yes", "version": "1"}).status_code == 302
    sign_in(client, cast.lead)
    assert client.post(f"{staff}/publish").status_code == 302

    sign_in(client, cast.researcher)
    assert client.post(mine, data={"agrees": "no", "version": "1"}).status_code == 302
    session.expire_all()
    assert (made.state, made.consent) == (AnswerState.WITHDRAWN, Consent.REFUSED)
    assert client.get(f"{PAGE}/answers/{made.key}").status_code == 404


def test_a_no_blocks_it_and_stays_when_the_text_changes(session: Session, cast: Cast, asked: Booking) -> None:
    made = reviewed(session, cast, asked)
    say_consent(session, made, asked, agrees=False, version=1, by=cast.researcher.id, at=NOON)
    with pytest.raises(Refused, match="do not agree to publishing it"):
        move_answer(session, made, cast.challenge, states.PUBLISH, by=cast.lead.id, at=NOON)
    move_answer(session, made, cast.challenge, states.RETURN, by=cast.lead.id, at=NOON)
    rewrite_answer(session, made, cast.challenge, WORDS, version=1, by=cast.host.id, at=NOON)

    assert made.consent is Consent.REFUSED


def test_another_text_is_asked_for_anew(session: Session, cast: Cast, asked: Booking) -> None:
    made = reviewed(session, cast, asked)
    say_consent(session, made, asked, agrees=True, version=1, by=cast.researcher.id, at=NOON)
    move_answer(session, made, cast.challenge, states.RETURN, by=cast.lead.id, at=NOON)
    rewrite_answer(session, made, cast.challenge, WORDS, version=1, by=cast.host.id, at=NOON)
    assert made.consent is Consent.NOT_ASKED
    review_answer(session, made, cast.challenge, version=2, by=cast.lead.id, at=NOON)

    assert made.consent is Consent.ASKED
    keys = sa.select(OutgoingMail.dedupe_key).where(OutgoingMail.template == "office_hours/consent")
    sent = session.scalars(keys.order_by(OutgoingMail.id))
    assert [key.rpartition(":")[2] for key in sent] == ["1", "2"]


def test_nobody_agrees_for_others(session: Session, cast: Cast, stage: Stage, asked: Booking) -> None:
    made = reviewed(session, cast, asked)
    other = stage.book(stage.slots(asked.slot.sitting.series)[1], cast.team.members[0])

    with pytest.raises(NotFound):
        say_consent(session, made, other, agrees=True, version=1, by=cast.team_lead.id, at=NOON)


def test_publishing_loses_against_a_no_that_came_first(session: Session, cast: Cast, asked: Booking) -> None:
    made = reviewed(session, cast, asked)
    say_consent(session, made, asked, agrees=True, version=1, by=cast.researcher.id, at=NOON)
    assert made.consent is Consent.GIVEN
    session.execute(sa.update(Answer).values(consent=Consent.REFUSED), execution_options={"synchronize_session": False})

    with pytest.raises(Conflict):
        move_answer(session, made, cast.challenge, states.PUBLISH, by=cast.lead.id, at=NOON)


@pytest.mark.parametrize(
    ("text", "component", "titles"),
    [
        ("", "", ["Clocks", "Keys", "Boot"]),
        ("VERIF", "", ["Boot"]),
        ("stage key", "", ["Keys"]),
        ("fuse OR stage", "", []),
        ("networking", "", ["Clocks"]),
        ("%", "", []),
        ('" ) OR *', "", []),
        ("", "boot", ["Keys", "Boot"]),
        ("key", "networking", []),
        ("draft", "", []),
    ],
)
def test_answers_are_found_by_their_words(
    session: Session, cast: Cast, text: str, component: str, titles: list[str]
) -> None:
    published(session, cast, Words("Boot", "Is it verified?", "Each stage is.", "boot"))
    published(session, cast, Words("Keys", "Where are they?", "The key of the first stage is in a fuse.", "boot"))
    published(session, cast, Words("Clocks", "Which?", "That of the network.", "networking"))
    drafted(session, cast, words=Words("A draft", "Not yet", "Draft", "boot"))

    rows = found.published(session, cast.challenge.id, text, component).rows

    assert sorted(each.title for each in rows) == sorted(titles)
    assert found.published_components(session, cast.challenge.id) == [("boot", 2), ("networking", 1)]


def test_pages_of_answers_go_on(session: Session, cast: Cast) -> None:
    for number in range(5):
        published(session, cast, WORDS._replace(title=f"No. {number}"))

    first = found.published(session, cast.challenge.id, limit=3)
    rest = found.published(session, cast.challenge.id, after=first.next, limit=3)

    assert (len(first.rows), rest.next) == (3, None)
    assert len({each.title for each in [*first.rows, *rest.rows]}) == 5


def test_nothing_leads_from_an_answer_to_a_person(
    client: FlaskClient, session: Session, cast: Cast, asked: Booking
) -> None:
    made = reviewed(session, cast, asked)
    say_consent(session, made, asked, agrees=True, version=1, by=cast.researcher.id, at=NOON)
    move_answer(session, made, cast.challenge, states.PUBLISH, by=cast.lead.id, at=NOON)
    session.commit()
    told = [cast.researcher.name, cast.participant.name, cast.researcher.email, asked.uid, asked.topic, "Hugo Host"]
    sign_in(client, cast.colleague)
    pages = [
        client.get(f"{PAGE}/answers"),
        client.get(f"{PAGE}/answers?q=verified"),
        client.get(f"{PAGE}/answers/{made.key}"),
    ]
    sign_in(client, cast.lead)
    staff = [
        client.get(f"{STAFF}/answers"),
        client.get(f"{STAFF}/answers/{made.key}"),
        client.get(f"{STAFF}/answers.csv"),
    ]

    assert [page.status_code for page in pages + staff] == [200] * 6
    assert [words for page in pages for words in told if words in page.text] == []
    assert [words for page in staff for words in told[:5] if words in page.text] == []
    assert re.fullmatch(r"[0-9a-f]{10}", made.key)
    entries = session.scalars(
        sa.select(AuditEntry).where(AuditEntry.subject == f"answer:{made.id}").order_by(AuditEntry.id)
    ).all()
    assert {entry.actor_id for entry in entries} == {cast.host.id, cast.lead.id}
    assert [entry.detail for entry in entries] == [{}] * 3


def test_answers_are_for_those_who_have_signed(client: FlaskClient, session: Session, cast: Cast) -> None:
    made = published(session, cast)
    session.commit()
    given = {}
    for who in ("researcher", "reviewer", "stranger"):
        sign_in(client, getattr(cast, who))
        given[who] = [client.get(f"{PAGE}/answers").status_code, client.get(f"{PAGE}/answers/{made.key}").status_code]

    assert given == {"researcher": [200, 200], "reviewer": [200, 200], "stranger": [404, 404]}


def test_what_was_not_agreed_to_never_is_after_erasing(session: Session, cast: Cast, asked: Booking) -> None:
    made = reviewed(session, cast, asked)
    told = personal.exporters["office_hours"](session, cast.researcher.id)
    assert [each["title"] for each in told["asked_for_consent"]] == [WORDS.title]
    for forget in personal.erasers:
        if forget.__module__.startswith("portal.office_hours"):
            forget(session, cast.researcher.id, NOON)
    session.expire_all()

    assert made.consent is Consent.REFUSED
