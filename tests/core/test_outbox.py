"""Mail after truth: at least once, never forgotten, dead letters kept."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core import outbox
from portal.core.outbox import LEASE, TRIES, MailState, OutgoingMail, drain, post, wait_after
from tests.cast import NOON

Mails = Callable[[], list[OutgoingMail]]


def posted(session: Session, key: str = "a", **values: object) -> None:
    post(session, "tests/hello", to=f"{key}@example.org", key=key, at=NOON, **values)
    session.commit()


def states(mails: Mails) -> list[tuple[str, MailState, int]]:
    return [(mail.dedupe_key, mail.state, mail.tries) for mail in mails()]


def refuse(_mail: OutgoingMail) -> None:
    raise ConnectionError("the server hung up")


def test_what_is_rolled_back_is_never_sent(session: Session, mails: Mails) -> None:
    post(session, "tests/hello", to="a@example.org", key="a", at=NOON)
    session.rollback()

    assert mails() == []


def test_the_same_key_is_posted_once(session: Session, mails: Mails) -> None:
    posted(session)
    posted(session)

    assert states(mails) == [("a", MailState.QUEUED, 0)]


def test_drain_sends_each_due_mail_once_and_in_order(session: Session, mails: Mails) -> None:
    posted(session, "a")
    posted(session, "b")
    posted(session, "later", not_before=NOON + timedelta(hours=1))
    sent: list[str] = []

    assert drain(session, lambda mail: sent.append(mail.to), NOON) == 2
    assert drain(session, lambda mail: sent.append(mail.to), NOON) == 0

    assert sent == ["a@example.org", "b@example.org"]
    assert states(mails) == [("a", MailState.SENT, 1), ("b", MailState.SENT, 1), ("later", MailState.QUEUED, 0)]


def test_a_failure_waits_longer_each_time_and_ends_as_a_dead_letter(session: Session, mails: Mails) -> None:
    posted(session)
    at = NOON
    for tries in range(1, TRIES + 1):
        assert drain(session, refuse, at) == 1
        assert drain(session, refuse, at) == 0
        at += wait_after(tries)

    (mail,) = mails()
    assert (mail.state, mail.tries, mail.error) == (MailState.FAILED, TRIES, "ConnectionError: the server hung up")
    assert drain(session, refuse, at + timedelta(days=1)) == 0
    assert [wait_after(n) for n in (1, 2, 9, 10)] == [
        timedelta(seconds=30), timedelta(minutes=1), timedelta(hours=2), timedelta(hours=2),
    ]  # fmt: skip


def test_a_dead_letter_can_be_sent_again(session: Session, mails: Mails) -> None:
    posted(session)
    session.execute(sa.update(OutgoingMail).values(state=MailState.FAILED, tries=TRIES))
    session.commit()

    outbox.send_again(session, mails()[0], NOON)
    session.commit()

    assert drain(session, lambda _mail: None, NOON) == 1
    assert states(mails) == [("a", MailState.SENT, 1)]


def test_a_worker_that_dies_after_sending_repeats_under_the_same_name(session: Session, mails: Mails) -> None:
    posted(session)
    tokens: list[str] = []

    def die(mail: OutgoingMail) -> None:
        tokens.append(mail.token)
        raise SystemExit

    with pytest.raises(SystemExit):
        drain(session, die, NOON)
    session.rollback()

    assert drain(session, lambda mail: tokens.append(mail.token), NOON + LEASE - timedelta(seconds=1)) == 0
    assert drain(session, lambda mail: tokens.append(mail.token), NOON + LEASE) == 1
    assert len(tokens) == 2
    assert tokens[0] == tokens[1]
    assert states(mails) == [("a", MailState.SENT, 2)]


def test_who_lost_the_lease_does_not_mark(session: Session, mails: Mails) -> None:
    posted(session)

    def slow(_mail: OutgoingMail) -> None:
        assert drain(session, lambda _mail: None, NOON + LEASE) == 1

    drain(session, slow, NOON)

    assert states(mails) == [("a", MailState.SENT, 2)]
    assert mails()[0].sent_at == NOON + LEASE


def test_a_guard_drops_what_is_no_longer_true(session: Session, mails: Mails, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(outbox._GUARDS, "tests/hello", lambda _session, mail: mail.to == "b@example.org")
    posted(session, "a")
    posted(session, "b")
    sent: list[str] = []

    drain(session, lambda mail: sent.append(mail.to), NOON)

    assert sent == ["b@example.org"]
    assert states(mails) == [("a", MailState.DROPPED, 1), ("b", MailState.SENT, 1)]


def test_a_secret_is_forgotten_once_sent(session: Session, mails: Mails) -> None:
    posted(session, context={"link": "https://example.org/token"}, secret=True)

    drain(session, lambda _mail: None, NOON)

    assert mails()[0].context == {}
