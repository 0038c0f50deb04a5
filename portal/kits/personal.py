"""What kits keep of a person, and what is forgotten with them."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Session, joinedload

from portal.accounts import personal
from portal.challenges.models import Member, Participant
from portal.core.errors import Refused
from portal.core.mail import config_of
from portal.kits import queries
from portal.kits import supply as supply  # so that the selection learns of the stock
from portal.kits.actions.addresses import forget_addresses, own_address
from portal.kits.models import DeliveryAddress, KitReplacement, KitReturn, MailChoice, Shipment
from portal.kits.queries import mailing, returns
from portal.kits.queries.reservations import kept_for
from portal.kits.vault import Vault


def exported(session: Session, account_id: int) -> dict[str, Any]:
    """The addresses that the person's participants have given, what is kept for them, and what went there."""
    members = session.scalars(
        sa.select(Member)
        .options(joinedload(Member.participant).joinedload(Participant.challenge))
        .where(Member.account_id == account_id)
        .order_by(Member.id)
    ).all()
    vault = Vault.of(config_of(current_app))
    addresses, parcels, kept = list[dict[str, Any]](), list[dict[str, Any]](), list[dict[str, Any]]()
    ids = list[int]()
    for member in members:
        addresses += _address(session, member, vault)
        kept += [{"serial": serial, "since": since} for serial, since in kept_for(session, member.participant_id)]
        theirs = queries.parcels_of(session, member.participant_id)
        parcels += [_parcel(parcel) for parcel in theirs]
        ids += [parcel.id for parcel in theirs]
    return {
        "addresses": addresses, "units_kept": kept, "parcels": parcels,
        "returns": [_return(back) for back in returns.returns_of(session, ids)],
        "replacements": [_wish(wish) for wish in returns.wishes_of(session, ids).values()],
        "mails": [_choice(said) for said in mailing.chosen(session, [member.id for member in members])],
    }  # fmt: skip


def _address(session: Session, member: Member, vault: Vault) -> list[dict[str, Any]]:
    slug = member.participant.challenge.slug
    try:
        address = own_address(session, member, vault)
    except Refused as problem:  # the rest is theirs to have all the same
        return [{"challenge": slug, "sealed": problem.reason}]
    return [{"challenge": slug, **address.content()}] if address else []


def _return(back: KitReturn) -> dict[str, Any]:
    return {
        "reference": back.reference, "state": back.state, "reason": back.reason, "asked_at": back.asked_at,
        "expected_on": back.expected_on, "carrier": back.carrier, "tracking_number": back.tracking_number,
        "instructions": back.instructions, "sent_at": back.sent_at, "scanned_at": back.scanned_at,
        "delivered_at": back.delivered_at, "arrived_at": back.arrived_at, "answer": back.answer,
    }  # fmt: skip


def _wish(wish: KitReplacement) -> dict[str, Any]:
    return {"state": wish.state, "reason": wish.reason, "asked_at": wish.asked_at, "answer": wish.answer}


def _choice(said: MailChoice) -> dict[str, Any]:
    return {"topic": said.topic, "wanted": said.wanted, "chosen_at": said.chosen_at}


def _parcel(parcel: Shipment) -> dict[str, Any]:
    return {
        "reference": parcel.reference, "state": parcel.state, "created_at": parcel.created_at,
        "carrier": parcel.carrier, "tracking_number": parcel.tracking_number, "handed_over_at": parcel.handed_over_at,
        "delivered_at": parcel.delivered_at, "received_at": parcel.received_at, "said": parcel.word,
        "note": parcel.word_note,
    }  # fmt: skip


def erase(session: Session, account_id: int, at: datetime) -> None:
    """Forget the addresses that the person gave, the labels, what they wrote, and which mails they wanted."""
    forget_addresses(session, [DeliveryAddress.given_by_id == account_id], at=at)
    places = sa.select(Member.id).where(Member.account_id == account_id)
    theirs = sa.select(Shipment.id).join(Member, Member.participant_id == Shipment.participant_id)
    theirs = theirs.where(Member.account_id == account_id)
    for forget in (
        sa.delete(MailChoice).where(MailChoice.member_id.in_(places)),
        sa.update(KitReturn).where(KitReturn.shipment_id.in_(theirs)).values(label=None),
        sa.update(KitReturn).where(KitReturn.asked_by_id == account_id).values(reason=""),
        sa.update(KitReplacement).where(KitReplacement.asked_by_id == account_id).values(reason=""),
    ):
        session.execute(forget.execution_options(synchronize_session=False))


personal.exporters["kits"] = exported
personal.erasers.append(erase)
personal.kept.append(
    personal.Kept(
        "What policies and screening lists say of your address",
        "To decide whether something may be sent to you; a person looks at it.",
        "Until the address is deleted. That somebody looked, and what they decided, stays with the parcel.",
    )
)
personal.kept.append(
    personal.Kept(
        "Delivery address and telephone number",
        "To send you the kit: the carrier gets them, with your e-mail address, for the label. Sealed in the database; "
        "each look at it is noted.",
        "Until 30 days after delivery, or until you erase your account.",
    )
)
personal.kept.append(
    personal.Kept(
        "Label for the way back of a kit",
        "So that you can send the kit back. Sealed in the database; only you can open it.",
        "Until the kit is back or the return is called off, or until your address is deleted.",
    )
)
