"""A whole wave, while the mail server or the portal's worker is killed and started again in the middle."""

import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.applications.models import Application, Step
from portal.applications.states import ApplicationState, Decision
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.moves import take
from portal.core.outbox import MailState, OutgoingMail
from portal.selection.actions.decisions import mean
from portal.selection.actions.waves import create_wave
from portal.selection.models import Wave, WaveEntry
from portal.selection.states import RELEASE, EntryState, WaveState
from tests.cast import make_account, make_challenge
from tests.faults.keeper import Keeper
from tests.faults.post import let_leases_run_out, states, worker
from tests.faults.stage import Backstage
from tests.servers.waiting import until

pytestmark = pytest.mark.slow
# The whole wave on one database; on the other one, enough of it to be cut in three as well.
MANY = {"sqlite": 600, "postgresql": 3500}


def crowd(session: Session, challenge: Challenge, count: int) -> list[int]:
    """So many submitted applications, written in bulk; their numbers."""
    at = clock.now() - timedelta(days=1)
    people = [
        {
            "email": f"person-{number}@example.org", "canonical_email": f"person-{number}@example.org",
            "name": f"Person {number}", "zone": "UTC", "created_at": at, "confirmed_at": at, "active": True,
            "fs_uniquifier": f"person-{number}",
        }
        for number in range(count)
    ]  # fmt: skip
    numbers = session.scalars(sa.insert(Account).returning(Account.id, sort_by_parameter_order=True), people).all()
    rows = [
        {
            "challenge_id": challenge.id, "account_id": account, "canonical_email": person["email"],
            "state": ApplicationState.SUBMITTED, "state_since": at, "created_at": at, "saved_at": at,
            "submitted_at": at, "name": person["name"], "country": "DE", "rnd": place,
        }
        for place, (account, person) in enumerate(zip(numbers, people, strict=True))
    ]  # fmt: skip
    made = session.scalars(sa.insert(Application).returning(Application.id, sort_by_parameter_order=True), rows).all()
    return list(made)


def released(behind: Backstage, count: int) -> int:
    """A wave of so many answers that has just been released; nobody has been told yet. Its number."""
    with behind.session() as session:
        challenge, lead = make_challenge(session), make_account(session, "Lena Lead")
        # Applications for a challenge that is long over are erased by the worker.
        challenge.starts_on, challenge.ends_on = clock.now().date(), clock.now().date() + timedelta(days=90)
        numbers, at = crowd(session, challenge, count), clock.now()
        invited = numbers[: count // 50]
        mean(session, challenge, invited, Decision.INVITE, by=lead.id, at=at)
        mean(session, challenge, numbers[len(invited) :], Decision.DECLINE, by=lead.id, at=at)
        wave = create_wave(session, challenge, at + timedelta(days=9), by=lead.id, at=at)
        take(session, wave, RELEASE, at=at, released_by_id=lead.id, released_at=at)
        session.commit()
        return wave.id


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    """The mail server."""
    made = Keeper(tmp_path / "taken")
    made.start()
    yield made
    made.kill()


def complete(behind: Backstage, wave: int, count: int) -> bool:
    """Whether everybody was told and every mail is sent."""
    with behind.session() as session:
        state = session.scalars(sa.select(Wave.state).where(Wave.id == wave)).one()
        session.rollback()
    return state is WaveState.RELEASED and states(behind) == {MailState.SENT: count}


def told_once(behind: Backstage, wave: int, count: int) -> None:
    """Every answer was given once: state, timeline and entry."""
    with behind.session() as session:
        entries = sa.select(WaveEntry.state, sa.func.count()).where(WaveEntry.wave_id == wave)
        assert dict(session.execute(entries.group_by(WaveEntry.state)).all()) == {EntryState.DONE: count}
        assert session.scalars(sa.select(sa.func.count()).select_from(Step)).one() == count
        undecided = sa.select(sa.func.count()).where(Application.state == ApplicationState.SUBMITTED)
        assert session.scalars(undecided).one() == 0


def all_delivered(keeper: Keeper, count: int, kills: int) -> None:
    """None lost; repeats only under the same name, at most one for each kill."""
    copies = keeper.copies()
    assert len(copies) == count
    assert sum(copies.values()) <= count + kills
    assert len(set(keeper.taken)) == count


def test_a_mail_server_that_is_killed_twice_gets_the_whole_wave(
    behind: Backstage, keeper: Keeper, database: str
) -> None:
    many = MANY[database]
    wave = released(behind, many)
    with worker(behind, keeper.url) as running:
        for target in (many // 3, 2 * many // 3):
            until(lambda least=target: keeper.size >= least, f"{target} mails", tries=6000)  # type: ignore[misc]
            keeper.kill()
            assert keeper.size < many
            keeper.start()
        until(lambda: keeper.size >= many - 2, "all but those that were cut off", tries=6000)
        # Whoever was refused by a dead server waits for half a minute: nothing here should take as long.
        until(lambda: _hurry(behind) and complete(behind, wave, many), "the whole wave", tries=6000)
        assert running.stop() == 0

    told_once(behind, wave, many)
    all_delivered(keeper, many, kills=2)


def _hurry(behind: Backstage) -> bool:
    """What waits for its next try is due now."""
    with behind.session() as session:
        waiting = (OutgoingMail.state == MailState.QUEUED, OutgoingMail.not_before > clock.now())
        session.execute(sa.update(OutgoingMail).where(*waiting).values(not_before=clock.now()))
        session.commit()
    return True


def test_a_worker_that_is_killed_while_it_hands_over_and_delivers_loses_nothing(
    behind: Backstage, keeper: Keeper
) -> None:
    count = 600
    wave = released(behind, count)
    for target in (1, 200, 400):
        with worker(behind, keeper.url) as victim:
            until(lambda least=target: keeper.size >= least, f"{target} mails", tries=6000)  # type: ignore[misc]
            victim.kill()
            assert victim.ended() == -signal.SIGKILL
        let_leases_run_out(behind)
    with worker(behind, keeper.url) as last:
        until(lambda: keeper.size >= count, f"{count} mails", tries=6000)
        until(lambda: complete(behind, wave, count), "the whole wave", tries=6000)
        assert last.stop() == 0

    told_once(behind, wave, count)
    all_delivered(keeper, count, kills=3)
