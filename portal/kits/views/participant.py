"""Where is my kit."""

from collections.abc import Sequence

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.gate import signed_in
from portal.challenges.access import member_or_404
from portal.challenges.models import Member
from portal.core import clock
from portal.core.db import db
from portal.kits import actions, postal, queries, rules, states
from portal.kits.forms import AddressForm, WordForm, told_apart
from portal.kits.forms.returns import BackForm, MailsForm, WishForm
from portal.kits.models import Shipment
from portal.kits.queries import mailing, returns
from portal.kits.rules.mails import ALWAYS, TOPICS
from portal.kits.rules.returns import why_no_replacement
from portal.kits.states import Word
from portal.kits.views.base import blueprint, vault

Said = tuple[int, WordForm]


def _blank(member: Member) -> AddressForm:
    """The form with what is known: the address as it was given, or the person's name and country."""
    known = actions.own_address_if_open(db.session, member, vault())
    values = known.content() if known else {"country": member.country, "recipient": member.account.name}
    country = request.args.get("country")
    return AddressForm(formdata=None, data={**values, **({"country": country} if country else {})})


def _words(parcels: Sequence[Shipment], said: Said | None) -> dict[int, WordForm]:
    """A form for each parcel; `said` is one that came back with something wrong in it."""
    forms = {parcel.id: told_apart(WordForm(formdata=None), parcel.id) for parcel in parcels}
    return forms | ({said[0]: told_apart(said[1], said[0])} if said else {})


def _mails(member: Member) -> MailsForm:
    wanted = mailing.choices(db.session, member)
    return MailsForm(formdata=None, data={"topics": [topic.value for topic, told in wanted.items() if told]})


def _page(member: Member, form: AddressForm | None, said: Said | None = None, status: int = 200) -> tuple[str, int]:
    parcels = queries.parcels_of(db.session, member.participant_id)
    address = queries.address_of(db.session, member.participant_id)
    wanted = any(parcel.state in states.WAITS_FOR_ADDRESS for parcel in parcels) and not (address and address.sealed)
    ids, now = [parcel.id for parcel in parcels], clock.now()
    page = render_template(
        "kits/mine.html",
        returns=returns.returns_of(db.session, ids),
        labelled=returns.with_label(db.session, ids),
        wishes=returns.wishes_of(db.session, ids),
        replaced=returns.replaced(db.session, ids),
        no_replacement={
            parcel.id: why_no_replacement(parcel.state, parcel.word, parcel.handed_over_at, now) for parcel in parcels
        },
        team={each.account_id for each in member.participant.members},
        wish=WishForm(formdata=None),
        back=BackForm(formdata=None),
        mails=_mails(member),
        always=[TOPICS[topic] for topic in ALWAYS],
        challenge=member.participant.challenge,
        member=member,
        parcels=parcels,
        address=address,
        where=rules.WHERE,
        arriving=states.ARRIVING,
        fixed=any(parcel.state in states.ARRIVING for parcel in parcels),
        form=form or (_blank(member) if wanted else None),
        words=_words(parcels, said),
        country_name=postal.country_name,
    )
    return page, status


@blueprint.get("/challenges/<slug>/kit")
@signed_in
def mine(slug: str) -> ResponseReturnValue:
    """Where my kit is, and what I have to do for it."""
    return _page(member_or_404(slug), None)


@blueprint.route("/challenges/<slug>/kit/address", methods=["GET", "POST"])
@signed_in
def address(slug: str) -> ResponseReturnValue:
    """Give or change the address."""
    member = member_or_404(slug)
    if request.method == "GET":
        return _page(member, _blank(member))
    form = AddressForm()
    if form.refresh.data:
        return _page(member, form)
    if not form.validate():
        return _page(member, form, status=422)
    actions.give_address(db.session, member, form.address(), doubtful=bool(form.doubts), vault=vault(), at=clock.now())
    db.session.commit()
    flash("The address is kept, sealed. Only logistics can open it, and each time is noted.")
    return redirect(url_for("kits.mine", slug=slug))


@blueprint.post("/challenges/<slug>/kit/<int:shipment_id>/word")
@signed_in
def say(slug: str, shipment_id: int) -> ResponseReturnValue:
    """Say how a parcel arrived."""
    member = member_or_404(slug)
    parcel = queries.own_parcel(db.session, member.participant_id, shipment_id)
    form = WordForm()
    if not form.validate():
        return _page(member, None, (shipment_id, form), status=422)
    actions.say(db.session, parcel, Word(form.word.data), form.text.data or "", by=member.account_id, at=clock.now())
    db.session.commit()
    well = parcel.word is Word.RECEIVED
    flash("Good to know. Enjoy your kit." if well else "Logistics have been told and will look after it.")
    return redirect(url_for("kits.mine", slug=slug))
