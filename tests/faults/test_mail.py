"""Mail, while the worker dies or the mail server refuses, hangs, hangs up, or is away."""

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest
import sqlalchemy as sa
from aiosmtpd.smtp import SMTP, Envelope

from portal import worker as scheduler
from portal.config import load_config
from portal.core import clock, mail, outbox
from portal.core.outbox import MailState, OutgoingMail, Unreachable
from tests.faults.post import Office, let_leases_run_out, office, post, states, worker
from tests.faults.stage import Backstage
from tests.servers.waiting import until


@pytest.fixture
def server(stack: ExitStack) -> Office:
    """The mail server."""
    return stack.enter_context(office())


@pytest.fixture
def deliver(behind: Backstage, server: Office) -> Callable[[], int]:
    """One tick of the outbox in this process, over the mail server."""
    behind.app.extensions["portal.config"] = load_config({**behind.environ, "PORTAL_MAIL_URL": server.url})

    def tick() -> int:
        with behind.session() as session:
            return scheduler.deliver(session, clock.now())

    return tick


def rows(behind: Backstage) -> list[tuple[str, MailState, int, str]]:
    """Addressee, state, tries and error of each mail."""
    question = sa.select(OutgoingMail.to, OutgoingMail.state, OutgoingMail.tries, OutgoingMail.error)
    found = behind.read(lambda session: session.execute(question.order_by(OutgoingMail.id)).all())
    return [(to.partition("@")[0], state, tries, error or "") for to, state, tries, error in found]


@pytest.mark.slow
def test_a_worker_killed_between_sending_and_marking_loses_nothing(behind: Backstage, server: Office) -> None:
    post(behind, 200)
    kills = iter((31, 90, 170, 0))
    target = next(kills)

    with worker(behind, server.url) as first:
        victim = first

        def die(_server: SMTP, _envelope: Envelope) -> str:
            if len(server.accepted) == target:
                victim.kill()
            return "250 OK"

        server.after = die
        while target:
            assert victim.ended() == -signal.SIGKILL
            assert len(server.accepted) == target
            let_leases_run_out(behind)
            target = next(kills)
            with ExitStack() as handed:
                victim = handed.enter_context(worker(behind, server.url))
                if target:
                    victim.ended()
                else:
                    until(lambda: states(behind) == {MailState.SENT: 200}, "all mails to be sent")
                    assert victim.stop() == 0

    assert len(server.copies) == 200
    assert sum(server.copies.values()) <= 203
    assert max(server.copies.values()) <= 2
    assert {len(names) for names in server.names.values()} == {1}


def test_one_refused_recipient_does_not_stop_the_others(
    behind: Backstage, server: Office, deliver: Callable[[], int]
) -> None:
    post(behind, 5)
    server.recipient = lambda _server, envelope: (
        "550 No such person" if envelope.rcpt_tos[0].startswith("person-002") else "250 OK"
    )

    assert deliver() == 5

    assert sorted(server.copies) == [f"person-{number:03}@example.org" for number in (0, 1, 3, 4)]
    assert rows(behind)[2] == ("person-002", MailState.FAILED, 1, "550 No such person")
    assert states(behind) == {MailState.SENT: 4, MailState.FAILED: 1}


@pytest.mark.parametrize(
    "answer",
    ["450 Mailbox busy", "452 Too many recipients", "550 5.7.1 Relaying denied"],
)
def test_who_is_refused_for_now_or_by_policy_is_tried_again(
    behind: Backstage, server: Office, deliver: Callable[[], int], answer: str
) -> None:
    post(behind, 1)
    server.recipient = lambda _server, _envelope: answer
    before = clock.now()

    assert deliver() == 1

    ((_, state, tries, error),) = rows(behind)
    assert (state, tries) == (MailState.QUEUED, 1)
    assert answer.partition(" ")[2] in error
    due = behind.read(lambda session: session.scalars(sa.select(OutgoingMail.not_before)).one())
    assert due >= before + outbox.FIRST_WAIT


def test_content_that_is_refused_for_good_is_a_dead_letter(
    behind: Backstage, server: Office, deliver: Callable[[], int]
) -> None:
    post(behind, 1)
    server.after = lambda _server, _envelope: "554 5.6.0 Not like this"

    assert deliver() == 1

    assert rows(behind) == [("person-000", MailState.FAILED, 1, "554 5.6.0 Not like this")]


def test_a_server_that_hangs_up_in_data_costs_one_mail_a_try_and_the_others_nothing(
    behind: Backstage, server: Office, deliver: Callable[[], int]
) -> None:
    post(behind, 5)

    def hang_up(smtp: SMTP, envelope: Envelope) -> str:
        if envelope.rcpt_tos[0].startswith("person-002"):
            assert smtp.transport is not None
            smtp.transport.close()
        return "250 OK"

    server.after = hang_up

    assert deliver() == 5

    # Once over the connection that the others had used, and once over one of its own.
    assert server.copies["person-002@example.org"] == 2
    assert {number: copies for number, copies in server.copies.items() if copies == 1}.keys() == {
        f"person-{number:03}@example.org" for number in (0, 1, 3, 4)
    }
    assert [row[1:3] for row in rows(behind)] == [
        (MailState.SENT, 1), (MailState.SENT, 1), (MailState.QUEUED, 1), (MailState.SENT, 1), (MailState.SENT, 1),
    ]  # fmt: skip
    assert "SMTPServerDisconnected" in rows(behind)[2][3]


def test_a_server_that_ends_each_connection_after_three_mails_gets_them_all(
    behind: Backstage, server: Office, deliver: Callable[[], int]
) -> None:
    post(behind, 10)
    seen: dict[int, int] = {}

    def count(smtp: SMTP, _envelope: Envelope) -> str:
        seen[id(smtp)] = seen.get(id(smtp), 0) + 1
        if seen[id(smtp)] == 3:
            # The answer first, then the end, as servers with a limit do.
            smtp.loop.call_later(0.05, smtp.transport.close)  # type: ignore[union-attr]
        return "250 OK"

    server.after = count

    assert deliver() == 10

    assert states(behind) == {MailState.SENT: 10}
    assert {tries for _, _, tries, _ in rows(behind)} == {1}
    assert len(server.copies) == 10


def test_a_server_that_is_away_costs_no_try(behind: Backstage, server: Office, deliver: Callable[[], int]) -> None:
    post(behind, 3)
    behind.app.extensions["portal.config"] = load_config({**behind.environ, "PORTAL_MAIL_URL": "smtp://127.0.0.1:9"})

    with pytest.raises(Unreachable, match="ConnectionRefusedError"):
        deliver()
    assert [row[1:3] for row in rows(behind)] == [(MailState.QUEUED, 0)] * 3

    behind.app.extensions["portal.config"] = load_config({**behind.environ, "PORTAL_MAIL_URL": server.url})
    assert deliver() == 3
    assert states(behind) == {MailState.SENT: 3}


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server that takes connections and never says a word; patience is short."""
    import socket

    monkeypatch.setattr(mail, "TIMEOUT", 0.2)
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield f"smtp://127.0.0.1:{listener.getsockname()[1]}"


def test_a_server_that_hangs_costs_no_try(behind: Backstage, silent: str, deliver: Callable[[], int]) -> None:
    post(behind, 3)
    behind.app.extensions["portal.config"] = load_config({**behind.environ, "PORTAL_MAIL_URL": silent})

    with pytest.raises(Unreachable, match=r"timed out|TimeoutError|disconnected|unexpectedly"):
        deliver()

    assert [row[1:3] for row in rows(behind)] == [(MailState.QUEUED, 0)] * 3


def test_whoever_is_slow_stops_before_the_lease_runs_out(behind: Backstage, monkeypatch: pytest.MonkeyPatch) -> None:
    post(behind, 5)
    passed = [0.0]
    monkeypatch.setattr(outbox, "time", type("Time", (), {"monotonic": staticmethod(lambda: passed[0])}))
    sent: list[str] = []

    def slow(one: OutgoingMail) -> None:
        sent.append(one.to)
        passed[0] += outbox.LEASE.total_seconds() / 4 + 1

    with behind.session() as session:
        assert outbox.drain(session, slow, clock.now()) == 2
    assert [row[1:3] for row in rows(behind)] == [(MailState.SENT, 1)] * 2 + [(MailState.QUEUED, 0)] * 3

    with behind.session() as session:
        assert outbox.drain(session, lambda one: sent.append(one.to), clock.now()) == 3
    assert len(set(sent)) == len(sent) == 5


def test_nothing_is_held_while_a_mail_server_is_waited_for(behind: Backstage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A guard asks the database; its transaction would keep every writer of SQLite out for as long as SMTP takes."""
    post(behind, 1)
    monkeypatch.setitem(
        outbox._GUARDS, "reports/receipt", lambda session, _mail: bool(session.scalars(sa.select(sa.literal(1))).one())
    )
    held: list[bool] = []

    with behind.session() as session:
        outbox.drain(session, lambda _mail: held.append(session.in_transaction()), clock.now())

    assert held == [False]


def test_a_guard_that_fails_costs_its_own_mail_a_try_only(behind: Backstage, monkeypatch: pytest.MonkeyPatch) -> None:
    post(behind, 3)

    def broken(session: object, one: OutgoingMail) -> bool:
        if one.to.startswith("person-001"):
            with behind.session() as inner:
                inner.execute(sa.text("SELECT nothing FROM nowhere"))
        return True

    monkeypatch.setitem(outbox._GUARDS, "reports/receipt", broken)

    with behind.session() as session:
        assert outbox.drain(session, lambda _mail: None, clock.now()) == 3

    assert [row[1:3] for row in rows(behind)] == [(MailState.SENT, 1), (MailState.QUEUED, 1), (MailState.SENT, 1)]


def test_sending_a_dead_letter_again_twice_sends_it_once(behind: Backstage) -> None:
    post(behind, 1)
    sent: list[str] = []
    with behind.session() as session:
        session.execute(sa.update(OutgoingMail).values(state=MailState.FAILED, tries=outbox.TRIES))
        session.commit()
        dead = session.scalars(sa.select(OutgoingMail)).one()
        for _ in range(2):
            outbox.send_again(session, dead, clock.now())
            session.commit()
        assert outbox.drain(session, lambda one: sent.append(one.to), clock.now()) == 1
        outbox.send_again(session, dead, clock.now())
        session.commit()
        assert outbox.drain(session, lambda one: sent.append(one.to), clock.now()) == 0

    assert sent == ["person-000@example.org"]
