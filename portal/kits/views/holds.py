"""What holds parcels, and the verdicts of people."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.kits.actions.holds import judge_hold
from portal.kits.actions.judging import WORDS
from portal.kits.forms import told_apart
from portal.kits.forms.policy import VerdictForm
from portal.kits.models import ShipmentHold
from portal.kits.queries import holds as queries
from portal.kits.states.holds import HoldKind, Judgement
from portal.kits.views.base import blueprint

KINDS = {
    HoldKind.POLICY_BLOCKED: "Blocked by policy", HoldKind.POLICY_REVIEW: "Policy says review",
    HoldKind.SCREENING: "Screening hit", HoldKind.MANUAL: "Held by hand",
}  # fmt: skip


@blueprint.get("/staff/<slug>/shipments/holds")
@only(Role.LOGISTICS)
def holds(slug: str) -> ResponseReturnValue:
    """What waits for a verdict, the oldest first."""
    challenge = challenge_or_404(slug)
    kind = request.args.get("kind", "")
    return render_template(
        "kits/holds.html", challenge=challenge, kinds=KINDS, parts=WORDS,
        page=queries.queue(db.session, challenge.id, kind, request.args.get("after")),
        counts=queries.queue_counts(db.session, challenge.id),
    )  # fmt: skip


@blueprint.route("/staff/<slug>/shipments/holds/<int:hold_id>", methods=["GET", "POST"])
@only(Role.LOGISTICS)
def hold(slug: str, hold_id: int) -> ResponseReturnValue:
    """One hold with its evidence, and a form for the verdict."""
    challenge = challenge_or_404(slug)
    found = queries.hold(db.session, challenge.id, hold_id)
    form = VerdictForm()
    if not form.validate_on_submit():
        return _page(challenge, found, form), 422 if form.is_submitted() else 200
    judgement, note, parcel = Judgement(form.verdict.data), form.note.data or "", found.shipment
    also = queries.like(db.session, found) if request.form.get("also") == "y" else []
    for each in [found, *also]:
        if each is found or each.verdict is None:
            judge_hold(db.session, each, judgement, note, by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"Noted: {judgement}. {parcel.reference} is {parcel.state.replace('_', ' ')}.")
    return redirect(url_for("kits.shipment", slug=slug, shipment_id=parcel.id))


def _page(challenge: Challenge, found: ShipmentHold, form: VerdictForm) -> str:
    return render_template(
        "kits/hold.html", challenge=challenge, hold=found, parcel=found.shipment, form=told_apart(form, found.id),
        kinds=KINDS, parts=WORDS, names=queries.judges_of(db.session, [found]), also=queries.like(db.session, found),
        clearable=found.kind is not HoldKind.POLICY_BLOCKED,
    )  # fmt: skip
