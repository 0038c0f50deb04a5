"""A published key set, and what is sealed to it."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from portal.core.blobs import Blobs, blobs
from portal.reports import receipts
from portal.reports.actions import drafts
from portal.reports.actions.keys import propose, publish_key_set
from portal.reports.models import KeySet, Report, Upload
from portal.reports.queries import reports
from portal.reports.states import ReportState, Severity
from tests.cast import NOON, Cast
from tests.kept import kept
from tests.reports.openpgp import certificate, message, secret, sign
from tests.reports.people import Desk
from tests.reports.press import Press
from tests.reports.validating import Validated, validator

TOM = certificate("Tom Triager <tom-triager@example.org>", seed=1)
TIA = certificate("Tia Triager <tia-triager@example.org>", seed=2)
RECOVERY = certificate("Recovery <recovery@example.org>", seed=3)
SIGNER = receipts.Signer(secret(4))


def sealing(key_set: KeySet) -> Callable[[int], bytes]:
    """What makes bytes that look as if they were sealed to a key set."""
    key_ids = [key_id for member in key_set.members for key_id in member.key_ids]
    return lambda size: message(size, key_ids)


@kept
def published(session: Session, cast: Cast) -> KeySet:
    """Key set 1: two triagers and the recovery key."""
    made = publish_key_set(
        session, [(cast.triager.id, TOM), (cast.second_triager.id, TIA)], RECOVERY, by=cast.admin.id, at=NOON
    )
    session.commit()
    return made


@kept
def one_fixed(session: Session, cast: Cast, published: KeySet) -> int:
    """The number of a report that is fixed."""
    return Desk(session, cast, blobs(), SIGNER, sealing(published)).in_state(ReportState.FIXED).id


@kept
def three_fixed(session: Session, cast: Cast, published: KeySet, one_fixed: int) -> list[int]:
    """The numbers of three reports of one researcher that are fixed."""
    desk = Desk(session, cast, blobs(), SIGNER, sealing(published))
    return [one_fixed, *(desk.in_state(ReportState.FIXED).id for _ in range(2))]


@pytest.fixture(scope="session")
def validated() -> Iterator[Validated]:
    """What the community's validator says of CSAF documents."""
    with validator() as made:
        yield made


@pytest.fixture
def key_set(published: KeySet) -> KeySet:
    """The key set under the test; a module that has another one hides this."""
    return published


@pytest.fixture
def store(app: Flask, session: Session) -> Blobs:
    """The application's store of blobs."""
    return blobs()


@pytest.fixture
def seal(key_set: KeySet) -> Callable[[int], bytes]:
    """Bytes that look as if they were sealed to the key set, of about the size asked for."""
    return sealing(key_set)


@pytest.fixture
def signer() -> receipts.Signer:
    """A key for receipts."""
    return SIGNER


@pytest.fixture
def desk(
    session: Session, cast: Cast, key_set: KeySet, store: Blobs, signer: receipts.Signer, seal: Callable[[int], bytes]
) -> Desk:
    """Reports in whatever state a test needs."""
    return Desk(session, cast, store, signer, seal)


@pytest.fixture
def draft(session: Session, cast: Cast, key_set: KeySet) -> Report:
    """A report that the researcher has begun."""
    given = drafts.Particulars("Report about the network daemon", Severity.IMPORTANT, "20.06")
    made = drafts.begin_report(session, cast.challenge, cast.member, given, at=NOON)
    session.commit()
    return made


@pytest.fixture
def upload(desk: Desk, draft: Report) -> Upload:
    """Its body, announced without a length."""
    return desk.upload(draft)


def publish_next(
    session: Session, triagers: Sequence[tuple[int | None, str]], recovery: str = RECOVERY, *, at: datetime, by: int = 3
) -> KeySet:
    """The next key set, signed by the recovery key (of seed `by`) of the one before."""
    proposal = propose(session, triagers, recovery, at=at)
    signature = sign(proposal.statement, seed=by, at=at)
    return publish_key_set(session, triagers, recovery, by=None, at=at, signature=signature)


@pytest.fixture
def press(session: Session, cast: Cast) -> Press:
    """Who speaks for both sides."""
    return Press(session, cast)


@pytest.fixture
def fixed(session: Session, three_fixed: list[int]) -> list[Report]:
    """Three reports of one researcher that are fixed."""
    return [reports.draft(session, number) for number in three_fixed]
