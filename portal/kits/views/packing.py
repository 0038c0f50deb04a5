"""Packing by scanner. Without JavaScript each scan is a form that comes back; with it the answers are parts of a page.

A module asks with the header X-Part and gets the part that changes; both come from the same rows.
"""

import secrets
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Invalid
from portal.kits import postal, queries
from portal.kits.actions import packing
from portal.kits.forms.bench import TypedForm
from portal.kits.models import Shipment
from portal.kits.queries import packing as found
from portal.kits.rules import packing as rules
from portal.kits.rules.packing import Box
from portal.kits.states.packing import Act
from portal.kits.views.base import blueprint
from portal.kits.views.bench import packing_page


def _box(challenge: Challenge, parcel: Shipment) -> Box:
    further = parcel.id in found.further(db.session, [parcel])
    return rules.look_into(parcel, queries.models(db.session, challenge.id), further=further)


def _country(parcel: Shipment) -> str:
    """Where a parcel goes: its country, and no more of its address."""
    return postal.country_name(queries.countries_of(db.session, [parcel.participant_id]).get(parcel.participant_id, ""))


def _part(challenge: Challenge) -> dict[str, Any]:
    """What is before the person: the open parcel, what the last scans came to, and what can be taken back."""
    station = found.station(db.session, challenge.id, current_account().id)
    told: dict[str, Any] = {"station": station, "scans": [], "box": None, "undoable": None, "acts": Act}
    if station is None:
        return told
    told["scans"] = found.last_scans(db.session, station)
    if station.shipment_id is not None:
        box = _box(challenge, queries.shipment(db.session, challenge.id, station.shipment_id))
        barred = rules.not_ready(box.parcel)
        told |= {
            "box": box, "barred": barred.words if barred else "", "next_step": rules.next_step(box),
            "country": _country(box.parcel), "undoable": found.last_change(db.session, station),
        }  # fmt: skip
    return told


def _page(challenge: Challenge, offered: Shipment | None = None) -> str:
    return render_template(
        "kits/pack.html", challenge=challenge, key=secrets.token_hex(16), offered=offered,
        offered_country=_country(offered) if offered else "", offered_box=_box(challenge, offered) if offered else None,
        offered_barred=rules.not_ready(offered) if offered else None, **_part(challenge),
    )  # fmt: skip


@blueprint.get("/staff/<slug>/shipments/pack")
@only(Role.LOGISTICS)
def pack(slug: str) -> ResponseReturnValue:
    """One field that takes whatever is scanned, and what there is to pack."""
    return _page(challenge_or_404(slug))


@blueprint.get("/staff/<slug>/shipments/pack/<int:shipment_id>")
@only(Role.LOGISTICS)
def pack_parcel(slug: str, shipment_id: int) -> ResponseReturnValue:
    """The page that a slip's code leads to: this parcel, with a button that opens it for packing."""
    challenge = challenge_or_404(slug)
    parcel = queries.shipment(db.session, challenge.id, shipment_id)
    station = found.station(db.session, challenge.id, current_account().id)
    if station is not None and station.shipment_id == parcel.id:
        return redirect(url_for("kits.pack", slug=slug))
    return _page(challenge, parcel)


@blueprint.post("/staff/<slug>/shipments/pack")
@only(Role.LOGISTICS)
def scan_code(slug: str) -> ResponseReturnValue:
    """Deal with one scan."""
    challenge, form = challenge_or_404(slug), TypedForm()
    if not form.validate():
        raise Invalid({name: str(errors[0]) for name, errors in form.errors.items()})
    packing.scan(db.session, challenge, form.typed(), packing_page(slug), by=current_account().id, at=clock.now())
    db.session.commit()
    if "X-Part" in request.headers:
        return render_template("kits/_packing.html", challenge=challenge, key=secrets.token_hex(16), **_part(challenge))
    return redirect(url_for("kits.pack", slug=slug), 303)
