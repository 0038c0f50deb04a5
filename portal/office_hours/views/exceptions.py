"""Single sessions: at another time, open again, with somebody else."""

from collections.abc import Sequence

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.models import Account
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Forbidden, NotFound
from portal.core.web.filters import counted
from portal.office_hours import actions, queries
from portal.office_hours.forms import ReasonForm
from portal.office_hours.forms.exceptions import MoveSittingForm, SubstituteForm
from portal.office_hours.models import Sitting, Slot
from portal.office_hours.queries.sittings import hosts_of
from portal.office_hours.queries.substitutes import candidates, slots_of
from portal.office_hours.views import blueprint
from portal.office_hours.views.shapes import sender
from portal.office_hours.views.sitting import may_change, sitting_page

BASE = "/staff/<slug>/office-hours"


def _own(slug: str, sitting_id: int) -> Sitting:
    found = queries.sitting_of(db.session, challenge_or_404(slug).id, sitting_id)
    if not may_change(slug, found):
        raise Forbidden("A session is changed by one of its hosts or by the lead.")
    return found


def _along(bookings: int) -> str:
    return f", with {counted(bookings, 'booking')}; everybody is told." if bookings else ". Nobody had booked."


@blueprint.post(f"{BASE}/sessions/<int:sitting_id>/move")
@only(Role.HOST, Role.LEAD)
def move_sitting(slug: str, sitting_id: int) -> ResponseReturnValue:
    """Put a session at another time, with everybody who booked."""
    found, form = _own(slug, sitting_id), MoveSittingForm()
    if not form.validate_on_submit():
        return sitting_page(slug, sitting_id, ReasonForm(formdata=None), 422, form)
    moved = actions.move_sitting(
        db.session, found, form.local(), by=current_account().id, at=clock.now(), sender=sender(),
        reason=form.reason.data or None,
    )  # fmt: skip
    db.session.commit()
    flash(
        f"Moved, with {counted(moved, 'booking')}; everybody is told." if moved else "Moved. Nobody had booked.",
        "success",
    )
    return redirect(url_for("office_hours.sitting", slug=slug, sitting_id=sitting_id))


@blueprint.post(f"{BASE}/sessions/<int:sitting_id>/reopen")
@only(Role.HOST, Role.LEAD)
def reopen_sitting(slug: str, sitting_id: int) -> ResponseReturnValue:
    """Open a session again that was called off."""
    found = _own(slug, sitting_id)
    count = actions.reopen_sitting(db.session, found, by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"Open again, with {counted(count, 'slot')}." if count else "Open again, but none of its hosts is free.")
    return redirect(url_for("office_hours.sitting", slug=slug, sitting_id=sitting_id))


@blueprint.route(f"{BASE}/slots/<int:slot_id>/host", methods=["GET", "POST"])
@only(Role.HOST, Role.LEAD)
def substitute(slug: str, slot_id: int) -> ResponseReturnValue:
    """Choose who holds a slot instead of somebody (?of=), or as its second engineer."""
    challenge = challenge_or_404(slug)
    slot = queries.slot_of(db.session, challenge.id, slot_id)
    if not may_change(slug, slot.sitting):
        raise Forbidden("Who holds a slot is changed by one of its session's hosts or by the lead.")
    old = _old(slot, request.args.get("of", 0, int))
    held = slots_of(db.session, slot.sitting_id, old.id) if old else [slot]
    form = SubstituteForm(whole=False)
    taken = held if form.whole.data else [slot]
    able, unable = _people(taken)
    form.host.choices = able
    if not form.validate_on_submit():
        page = render_template(
            "office_hours/substitute.html", challenge=challenge, slot=slot, old=old, held=held, form=form, unable=unable
        )
        return page, 422 if form.is_submitted() else 200
    kept = actions.substitute(
        db.session, taken, old, form.host.data, by=current_account().id, at=clock.now(), sender=sender()
    )
    db.session.commit()
    flash(
        f"Changed, with {counted(kept, 'booking')}; everybody is told." if kept else "Changed. Nobody had booked.",
        "success",
    )
    return redirect(url_for("office_hours.sitting", slug=slug, sitting_id=slot.sitting_id))


def _old(slot: Slot, account_id: int) -> Account | None:
    """Whose place it is. Raises NotFound if they do not hold the slot; with none named, the second place if empty."""
    if not account_id:
        if slot.seconds:
            raise NotFound("place")
        return None
    found = next((host for host in hosts_of(slot) if host.id == account_id), None)
    if found is None:
        raise NotFound("host")
    return found


def _people(slots: Sequence[Slot]) -> tuple[list[tuple[int, str]], list[tuple[str, str]]]:
    """Who can hold the slots, and who cannot and why."""
    found = candidates(db.session, slots)
    able = [(one.account.id, one.account.name) for one in found if not one.why_not]
    return able, [(one.account.name, one.why_not) for one in found if one.why_not]
