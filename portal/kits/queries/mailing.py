"""Whom mails about a participant's parcels go to."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.challenges.models import Member
from portal.challenges.states import MemberRole
from portal.kits.models import MailChoice, Shipment
from portal.kits.rules.mails import wants
from portal.kits.states import ShipmentState
from portal.kits.states.mails import Topic


def recipients(session: Session, participant_id: int, topic: Topic) -> list[tuple[Account, bool]]:
    """The members who are told of this, and whether each is the one who leads (or stands in where nobody does)."""
    rows = session.execute(
        sa.select(Account, MailChoice.wanted)
        .select_from(Member)
        .join(Account, Account.id == Member.account_id)
        .outerjoin(MailChoice, sa.and_(MailChoice.member_id == Member.id, MailChoice.topic == topic))
        .where(Member.participant_id == participant_id, Account.active)
        .order_by(Member.role != MemberRole.LEAD, Member.id)
    ).all()
    return [
        (account, place == 0)
        for place, (account, chosen) in enumerate(rows)
        if wants(topic, leads=place == 0, chosen=chosen)
    ]


def choices(session: Session, member: Member) -> dict[Topic, bool]:
    """What a member is told of."""
    rows = sa.select(MailChoice.topic, MailChoice.wanted).where(MailChoice.member_id == member.id)
    chosen = {topic: wanted for topic, wanted in session.execute(rows)}  # noqa: C416 - a row is no pair to dict()
    leads = member.role is MemberRole.LEAD
    return {topic: wants(topic, leads=leads, chosen=chosen.get(topic)) for topic in Topic}


def chosen(session: Session, member_ids: Sequence[int]) -> Sequence[MailChoice]:
    """What members said, for the export of what is kept of a person."""
    rows = sa.select(MailChoice).where(MailChoice.member_id.in_(member_ids))
    return session.scalars(rows.order_by(MailChoice.member_id, MailChoice.topic)).all()


def state_of(session: Session, shipment_id: int) -> ShipmentState | None:
    """Where a parcel is now."""
    return session.scalars(sa.select(Shipment.state).where(Shipment.id == shipment_id)).one_or_none()
