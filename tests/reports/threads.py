"""Sealed messages and proved certificates as tests need them, without gpg."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from portal.reports import certificates as reading
from portal.reports import rules
from portal.reports.actions import threads
from portal.reports.models import KeySetMember, Message, Report, ResearcherCertificate
from portal.reports.queries.keys import current_set
from portal.reports.states import CertificateState, Side
from tests.cast import NOON
from tests.reports.openpgp import certificate, message
from tests.reports.people import Desk

CERTIFICATE = certificate("Rae Researcher <rae@example.org>", seed=9)
OTHER = certificate("Rae Researcher <rae@example.org>", seed=10)


def live(session: Session, account_id: int, text: str = CERTIFICATE) -> ResearcherCertificate:
    """A certificate that was proved, without gpg."""
    found = reading.inspect(text, at=NOON)
    made = ResearcherCertificate(
        account_id=account_id, fingerprint=found.fingerprint, name=found.name, certificate=found.armored,
        key_ids=list(found.key_ids), expires_at=None, given_at=NOON, state=CertificateState.LIVE, state_since=NOON,
        proved_at=NOON,
    )  # fmt: skip
    session.add(made)
    session.commit()
    return made


def key_ids(desk: Desk, *more: ResearcherCertificate) -> list[str]:
    """The key ids of everybody of the key set, and of these readers."""
    return [each for member in desk_members(desk) for each in member.key_ids] + [
        each for held in more for each in held.key_ids
    ]


def desk_members(desk: Desk) -> list[KeySetMember]:
    """The members of the current key set."""
    found = current_set(desk.session)
    assert found
    return list(found.members)


def written(
    desk: Desk, report: Report, side: Side, recipients: list[str], *, by: int, at: datetime = NOON, **how: Any
) -> Message:
    """A message sent the way that both sides do."""
    made = threads.begin_message(desk.session, report, side, rules.Limits(), by=by, at=at)
    data = message(200, recipients)
    upload = threads.begin_message_upload(desk.session, report, made, rules.Limits(), length=len(data), at=at)
    desk.session.commit()
    desk.send(upload, data, at=at)
    report = desk.again(report)
    threads.send_message(desk.session, report, desk.session.get_one(Message, made.id), by=by, at=at, **how)
    desk.session.commit()
    return desk.session.get_one(Message, made.id)
