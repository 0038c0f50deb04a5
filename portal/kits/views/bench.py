"""The day at the bench: what is to be packed, and the papers of the parcels that somebody has chosen."""

from collections.abc import Callable, Sequence
from typing import Any

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.fresh import fresh
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.core.errors import NotFound, Refused
from portal.core.mail import config_of
from portal.kits import postal, queries
from portal.kits.actions import papers
from portal.kits.forms.bench import CustomsForm, LabelsForm, PrintForm, SenderForm
from portal.kits.models import Shipment
from portal.kits.qr import qr_svg
from portal.kits.queries import bench as found
from portal.kits.queries import packing
from portal.kits.rules import papers as rules
from portal.kits.rules.papers import LabelFormat, Paper
from portal.kits.states import ShipmentState
from portal.kits.views.base import blueprint, vault

# Parcels to print, and what is to be said of those that are left out.
Chosen = tuple[list[Shipment], list[str]]


def packing_page(slug: str) -> str:
    """The absolute address below which each parcel has its packing page."""
    return config_of(current_app).public_url + url_for("kits.pack", slug=slug)


def _code(slug: str) -> Callable[[Shipment], str]:
    """Draws the QR code of a parcel."""
    page = packing_page(slug)
    return lambda parcel: qr_svg(f"{page}/{parcel.id}")


@blueprint.get("/staff/<slug>/shipments/bench")
@only(Role.LOGISTICS)
def bench(slug: str) -> ResponseReturnValue:
    """What is ready and what is packed, and since when; whatever is chosen here is printed in one go."""
    challenge, state = challenge_or_404(slug), request.args.get("state", "")
    if state and state not in found.DAY:
        raise NotFound("state")
    page = found.day(db.session, challenge.id, ShipmentState(state) if state else None, request.args.get("after"))
    return render_template(
        "kits/bench.html",
        challenge=challenge,
        stages=[stage for stage in queries.pipeline(db.session, challenge.id) if stage.state in found.DAY],
        page=page,
        countries=queries.countries_of(db.session, [parcel.participant_id for parcel in page.rows]),
        benches=packing.at_the_bench(db.session, challenge.id),
        sender=found.sender(db.session, challenge.id),
        all_chosen=request.args.get("chosen") == "all",
    )


def _chosen(challenge: Challenge, printable: frozenset[ShipmentState]) -> Chosen:
    """The parcels that the request names. Raises Refused where it names none, NotFound where none of them is here."""
    wanted = {number for number in request.values.getlist("parcel", type=int) if 0 < number < 2**31}
    if not wanted:
        raise Refused("No parcel is chosen. Go back and tick those that you want.")
    known = found.chosen(db.session, challenge.id, wanted)
    if not known:
        raise NotFound("parcel")
    return rules.sorted_out(wanted, known, printable)


def _paper(challenge: Challenge) -> Paper:
    """The paper that the address asks for, or what is usual where the parcels are sent from."""
    told = request.args.get("paper", "")
    if told in list(Paper):
        return Paper(told)
    sender = found.sender(db.session, challenge.id)
    return rules.usual_paper(sender.country if sender else "")


@blueprint.get("/staff/<slug>/shipments/bench/pick")
@only(Role.LOGISTICS)
def pick_list(slug: str) -> ResponseReturnValue:
    """The units to fetch from the shelves for the chosen parcels."""
    challenge = challenge_or_404(slug)
    parcels, left_out = _chosen(challenge, rules.FETCHED)
    fetch, wants = rules.pick_list(
        parcels, queries.models(db.session, challenge.id), packing.further(db.session, parcels)
    )
    return render_template(
        "kits/print/pick.html", challenge=challenge, parcels=parcels, left_out=left_out, fetch=fetch, wants=wants,
        shelves=found.shelves(db.session, challenge.id), paper=_paper(challenge), at=clock.now(),
    )  # fmt: skip


@blueprint.get("/staff/<slug>/shipments/bench/slips")
@only(Role.LOGISTICS)
def slips(slug: str) -> ResponseReturnValue:
    """A packing slip for each chosen parcel: what is in it, and the code that opens its packing page."""
    challenge = challenge_or_404(slug)
    parcels, left_out = _chosen(challenge, rules.PRINTED)
    return render_template(
        "kits/print/slips.html", challenge=challenge, parcels=parcels, left_out=left_out, contents=rules.contents,
        code=_code(slug), sender=found.sender(db.session, challenge.id), paper=_paper(challenge), at=clock.now(),
    )  # fmt: skip


def _ask(challenge: Challenge, chosen: Chosen, form: PrintForm, what: str) -> ResponseReturnValue:
    """Ask why the addresses are needed; the parcels stay chosen."""
    parcels, left_out = chosen
    page = render_template(
        "kits/print_reason.html", challenge=challenge, form=form, parcels=parcels, left_out=left_out, what=what,
        sender=found.sender(db.session, challenge.id),
    )  # fmt: skip
    return page, 422 if form.is_submitted() else 200


def _printed(
    template: str, challenge: Challenge, chosen: Chosen, form: PrintForm, named: str, **context: Any
) -> ResponseReturnValue:
    """Open the addresses of the chosen parcels, each with its line in the audit, and print them."""
    parcels, left_out = chosen
    opened = papers.open_addresses(
        db.session, parcels, form.reason.data or "", named, vault=vault(), by=current_account().id, at=clock.now()
    )
    left_out += [f"{parcel.reference} is left out: it has no address." for parcel in parcels if parcel.id not in opened]
    page = render_template(
        template, challenge=challenge, parcels=[parcel for parcel in parcels if parcel.id in opened],
        left_out=left_out, addresses=opened, label=postal.label, country_name=postal.country_name,
        code=_code(challenge.slug), at=clock.now(), **context,
    )  # fmt: skip
    # Nobody sees the page unless its lines are in the audit.
    db.session.commit()
    return page


@blueprint.route("/staff/<slug>/shipments/bench/customs", methods=["GET", "POST"])
@only(Role.LOGISTICS)
@fresh
def customs(slug: str) -> ResponseReturnValue:
    """A sheet for customs for each chosen parcel, once it is known who sends."""
    challenge = challenge_or_404(slug)
    sender = found.sender(db.session, challenge.id)
    parcels, left_out = _chosen(challenge, rules.PRINTED)
    parcels, empty = rules.filled(parcels)
    chosen = parcels, left_out + empty
    form = CustomsForm(data={"paper": _paper(challenge).value})
    if not form.validate_on_submit():
        return _ask(challenge, chosen, form, "customs")
    if sender is None:
        raise Refused("Say first who sends the parcels: customs ask for the sender before anything else.")
    return _printed(
        "kits/print/customs.html", challenge, chosen, form, "customs sheet", sender=sender, sender_label=_lines(sender),
        paper=Paper(form.paper.data), contents=rules.contents, totals=rules.totals, undeclared=rules.undeclared,
    )  # fmt: skip


@blueprint.route("/staff/<slug>/shipments/bench/labels", methods=["GET", "POST"])
@only(Role.LOGISTICS)
@fresh
def labels(slug: str) -> ResponseReturnValue:
    """Address labels for the chosen parcels, several to a page."""
    challenge = challenge_or_404(slug)
    chosen = _chosen(challenge, rules.PRINTED)
    form = LabelsForm(data={"paper": _paper(challenge).value})
    if not form.validate_on_submit():
        return _ask(challenge, chosen, form, "labels")
    kind = LabelFormat(form.paper.data)
    space = rules.SPACES[kind]

    def sized(lines: Sequence[str]) -> tuple[list[str], int]:
        told = rules.joined(lines)
        return told, rules.size_of(told, space)

    return _printed("kits/print/labels.html", challenge, chosen, form, "label", kind=kind, sized=sized)


def _lines(sender: Any) -> list[str]:
    """The sender's address, line by line."""
    names = ("name", "company", "street", "city", "region", "postal_code", "country", "phone")
    told = {("recipient" if name == "name" else name): getattr(sender, name) for name in names}
    return postal.label(postal.Address(**told))


@blueprint.route("/staff/<slug>/shipments/sender", methods=["GET", "POST"])
@only(Role.LOGISTICS)
def sender(slug: str) -> ResponseReturnValue:
    """Who sends the challenge's parcels."""
    challenge = challenge_or_404(slug)
    kept = found.sender(db.session, challenge.id)
    form = SenderForm.of(kept)
    if not form.validate_on_submit():
        page = render_template("kits/sender.html", challenge=challenge, form=form, kept=kept)
        return page, 422 if form.is_submitted() else 200
    papers.set_sender(db.session, challenge, form.spec(), by=current_account().id, at=clock.now())
    db.session.commit()
    flash("The sender is known. It stands on slips and customs sheets from now on.")
    return redirect(url_for("kits.bench", slug=slug))
