"""Whom kits go to, and where."""

from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, undefer

from portal.accounts.models import Account
from portal.challenges.models import Challenge, Member, Participant
from portal.challenges.states import MemberRole, ParticipantState
from portal.kits import states
from portal.kits.models import DeliveryAddress, KitReturn, Shipment
from portal.kits.states import ShipmentState, Word
from portal.kits.states.returns import EXPECTED

# What a participant complained of, and nobody has dealt with.
COMPLAINED = sa.and_(Shipment.word.is_not(None), Shipment.word != Word.RECEIVED, Shipment.settled_at.is_(None))


def countries_of(session: Session, participant_ids: Collection[int]) -> dict[int, str]:
    """The country of each participant: of the address where there is one, else of the person who leads."""
    rows = session.execute(
        sa.select(Member.participant_id, sa.func.coalesce(DeliveryAddress.country, Member.country))
        .outerjoin(DeliveryAddress, DeliveryAddress.participant_id == Member.participant_id)
        .where(Member.participant_id.in_(participant_ids), Member.role == MemberRole.LEAD)
    )
    return {participant_id: country for participant_id, country in rows}  # noqa: C416 - a row is no pair to dict()


# A parcel that is planned, under way or has arrived.
SERVES = Shipment.state.not_in([ShipmentState.CANCELLED, ShipmentState.LOST, ShipmentState.RETURNED])


def is_served(session: Session, participant_id: int) -> bool:
    """Whether a parcel for the participant is planned, under way or has arrived."""
    found = sa.select(Shipment.id).where(Shipment.participant_id == participant_id, SERVES).limit(1)
    return session.scalars(found).one_or_none() is not None


def unplanned(session: Session, challenge_id: int) -> Sequence[Participant]:
    """Active participants who need a kit and for whom no parcel is planned, under way or arrived."""
    served = sa.select(Shipment.participant_id).where(Shipment.challenge_id == challenge_id, SERVES)
    return session.scalars(
        sa.select(Participant)
        .where(
            Participant.challenge_id == challenge_id,
            Participant.state == ParticipantState.ACTIVE,
            Participant.needs_kit,
            Participant.id.not_in(served),
        )
        .order_by(Participant.id)
    ).all()


def contact(session: Session, participant_id: int) -> Account | None:
    """Whom mails about parcels go to: the member who leads, else the first who is active."""
    return session.scalars(
        sa.select(Account)
        .join(Member, Member.account_id == Account.id)
        .where(Member.participant_id == participant_id, Account.active)
        .order_by(Member.role != MemberRole.LEAD, Member.id)
        .limit(1)
    ).one_or_none()


def address_of(session: Session, participant_id: int, *, sealed: bool = False) -> DeliveryAddress | None:
    """The participant's address, still sealed; without the sealed part unless asked for."""
    rows = sa.select(DeliveryAddress).where(DeliveryAddress.participant_id == participant_id)
    return session.scalars(rows.options(undefer(DeliveryAddress.sealed)) if sealed else rows).one_or_none()


def addresses_over(session: Session, before: datetime) -> Sequence[int]:
    """Participants to whom nothing is under way, and whose last parcel came to its end before `before`.

    A parcel that arrived has ended, unless its participant has told of a trouble that nobody has settled: then another
    may follow; or unless it is to come back: then its label and whoever fetches it need the address. Where none has
    arrived, the address is kept until the challenge is over, and as long again.
    """
    ended = sa.func.coalesce(Shipment.received_at, Shipment.delivered_at, Shipment.state_since)
    # What was delivered has arrived, whether or not the participant has said so.
    pending = [state for state in states.OPEN if state is not ShipmentState.DELIVERED]
    to_come_back = sa.exists().where(KitReturn.shipment_id == Shipment.id, KitReturn.state.in_(EXPECTED))
    waits = sa.or_(Shipment.state.in_(pending), COMPLAINED, to_come_back, ended > before)
    mine = Shipment.participant_id == DeliveryAddress.participant_id
    arrived = sa.exists().where(mine, Shipment.delivered_at.is_not(None) | Shipment.received_at.is_not(None))
    return session.scalars(
        sa.select(DeliveryAddress.participant_id)
        .join(Participant, Participant.id == DeliveryAddress.participant_id)
        .join(Challenge, Challenge.id == Participant.challenge_id)
        .where(
            DeliveryAddress.purged_at.is_(None),
            ~sa.exists().where(mine, waits),
            sa.or_(arrived, sa.and_(Challenge.ends_on < before.date(), DeliveryAddress.given_at <= before)),
        )
        .order_by(DeliveryAddress.participant_id)
    ).all()
