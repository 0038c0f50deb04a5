"""Mails about applications that did not arrive: they become work, and the applications stay as they are."""

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.states import Role
from portal.applications.states import ApplicationState, Decision
from portal.core.errors import Conflict, Invalid, NotFound
from portal.core.outbox import MailState, OutgoingMail, Undeliverable, drain
from portal.selection.actions import delivery as actions
from portal.selection.queries import delivery, queues
from tests.cast import NOON, Cast, make_challenge, sign_in
from tests.selection.conftest import STAFF, Bench

ADDRESS = f"{STAFF}/undelivered"


def refuse(mail: OutgoingMail) -> None:
    raise Undeliverable("550 5.1.1 No such person")


@pytest.fixture
def dead(session: Session, bench: Bench) -> OutgoingMail:
    """An invitation that the mail server refused for good."""
    application = bench.submitted()
    session.execute(sa.update(OutgoingMail).values(state=MailState.SENT, sent_at=NOON))
    bench.invited(application)
    assert drain(session, refuse, NOON) == 1
    session.expire_all()
    return session.scalars(sa.select(OutgoingMail).where(OutgoingMail.template == "selection/invited")).one()


def test_what_is_refused_for_good_is_dead_at_once(session: Session, cast: Cast, dead: OutgoingMail) -> None:
    assert (dead.state, dead.tries, dead.error) == (MailState.FAILED, 1, "550 5.1.1 No such person")
    ((mail, application),) = delivery.undelivered(session, cast.challenge).rows
    assert (mail, application.name, application.state) == (dead, "Ada Applicant", ApplicationState.INVITED)
    found = queues(session, cast.challenge, frozenset({Role.LEAD}), NOON)
    (queue,) = [queue for queue in found if "deliver" in queue.label]
    assert (queue.count, queue.oldest, queue.url) == (1, NOON, ADDRESS)


def test_it_goes_again_to_the_address_of_now(session: Session, bench: Bench, cast: Cast, dead: OutgoingMail) -> None:
    cast.applicant.email = "right@example.org"
    session.commit()
    found = delivery.undelivered_mail(session, cast.challenge, dead.id)
    actions.send_again(session, found.mail, found.application, by=cast.lead.id, at=NOON)
    session.commit()
    with pytest.raises(Conflict):
        actions.send_again(session, found.mail, found.application, by=cast.lead.id, at=NOON)
    session.rollback()
    sent: list[str] = []
    drain(session, lambda mail: sent.append(mail.to), NOON)
    assert sent == ["right@example.org"]
    assert bench.tags()[-1] == "selection:send-again"
    assert delivery.undelivered(session, cast.challenge).rows == []


def test_it_is_laid_to_rest_with_a_note(session: Session, bench: Bench, cast: Cast, dead: OutgoingMail) -> None:
    found = delivery.undelivered_mail(session, cast.challenge, dead.id)
    with pytest.raises(Invalid):
        actions.settle(session, found.mail, found.application, "  ", by=cast.lead.id, at=NOON)
    actions.settle(session, found.mail, found.application, "Called by phone", by=cast.lead.id, at=NOON)
    session.commit()
    session.expire_all()
    assert (dead.state, dead.note) == (MailState.SETTLED, "Called by phone")
    assert found.application.state is ApplicationState.INVITED
    assert delivery.count_undelivered(session, cast.challenge) == (0, None)
    with pytest.raises(Conflict):
        actions.settle(session, found.mail, found.application, "Again", by=cast.lead.id, at=NOON)
    session.rollback()
    assert drain(session, refuse, NOON) == 0


def test_a_mail_that_came_back_later_joins_the_list(session: Session, bench: Bench, cast: Cast) -> None:
    bench.invited()
    assert drain(session, lambda _mail: None, NOON) == 2
    with pytest.raises(Invalid):
        actions.note_returned(session, cast.challenge, "nobody@example.org", "", by=cast.lead.id, at=NOON)
    session.rollback()
    actions.note_returned(
        session, cast.challenge, " ADA-applicant@example.org ", "Mailbox full", by=cast.lead.id, at=NOON
    )
    session.commit()
    ((mail, _),) = delivery.undelivered(session, cast.challenge).rows
    assert (mail.template, mail.error) == ("selection/invited", "Mailbox full")


def test_another_challenge_knows_nothing_of_it(session: Session, dead: OutgoingMail) -> None:
    other = make_challenge(session, "elsewhere", "Elsewhere")
    assert delivery.undelivered(session, other).rows == []
    with pytest.raises(NotFound):
        delivery.undelivered_mail(session, other, dead.id)


def test_the_page(client: FlaskClient, session: Session, bench: Bench, cast: Cast, dead: OutgoingMail) -> None:
    sign_in(client, cast.lead)
    page = client.get(ADDRESS).text
    for words in ("Ada Applicant", "550 5.1.1 No such person", "invitation", "at risk", "Send again"):
        assert words in page
    assert "mail did not arrive" in client.get(f"{STAFF}/waves/1").text
    assert client.post(f"{ADDRESS}/{dead.id}/settle", data={}).status_code == 422
    assert client.post(f"{ADDRESS}/999/settle", data={"note": "x"}).status_code == 404
    assert client.post(f"{ADDRESS}/{dead.id}/again").location == ADDRESS
    assert client.post(f"{ADDRESS}/{dead.id}/again").status_code == 409
    assert "Every answer has been delivered" in client.get(ADDRESS).text
    drain(session, refuse, NOON)
    assert client.post(f"{ADDRESS}/{dead.id}/settle", data={"note": "Called by phone"}).location == ADDRESS
    assert client.post(ADDRESS, data={"address": "x@example.org"}).status_code == 422
    assert client.post(ADDRESS, data={"address": ""}).status_code == 422


def test_the_list_costs_the_same_for_3_and_30(
    client: FlaskClient, session: Session, bench: Bench, cast: Cast, statements: list[str]
) -> None:
    sign_in(client, cast.lead)
    costs = []
    for number in (3, 27):
        bench.mean(bench.crowd([f"{number} {n}" for n in range(number)]), Decision.DECLINE)
        bench.release(bench.wave(), number)
        drain(session, refuse, NOON)
        statements.clear()
        assert client.get(ADDRESS).status_code == 200
        costs.append(len(statements))
    assert costs[0] == costs[1]
    assert delivery.count_undelivered(session, cast.challenge) == (30, NOON)
