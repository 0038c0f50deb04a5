"""What was promised: lists for both sides, and what became of it."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import my_roles, only, signed_in
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404, member_or_404
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Invalid, NotFound
from portal.core.moves import move_named
from portal.core.web import csv_response
from portal.office_hours import states
from portal.office_hours.actions.notes import close_promise
from portal.office_hours.forms.days import DropForm
from portal.office_hours.queries.promises import (
    Shown,
    counts,
    promise_for_staff,
    promise_of,
    promises_to,
    staff_promises,
)
from portal.office_hours.rules.promises import today
from portal.office_hours.states import PROMISE_MOVES
from portal.office_hours.views import blueprint

STAFF, MINE = "/staff/<slug>/office-hours", "/challenges/<slug>/office-hours"
LABELS = {
    Shown.OPEN: "Open", Shown.OVERDUE: "Overdue", Shown.MINE: "Yours", Shown.DONE: "Done", Shown.DROPPED: "Dropped",
}  # fmt: skip
# More than any challenge has; a file is whole.
ALL = 100_000


def _shown() -> Shown:
    try:
        return Shown(request.args.get("show", ""))
    except ValueError as error:
        raise NotFound("list") from error


@blueprint.get(f"{STAFF}/commitments")
@only(Role.HOST, Role.LEAD)
def commitments(slug: str) -> ResponseReturnValue:
    """What was promised, what is overdue first; hosts see that of their own slots, and their own."""
    challenge, account, at, lead = challenge_or_404(slug), current_account(), clock.now(), Role.LEAD in my_roles(slug)
    shown = _shown()
    page = staff_promises(db.session, challenge, account.id, shown, at, lead=lead, after=request.args.get("after"))
    numbers = counts(db.session, challenge, account.id, at, lead=lead)
    return render_template(
        "office_hours/commitments.html",
        challenge=challenge, page=page, shown=shown, moves=PROMISE_MOVES, day=today(at, challenge.zone),
        choices=[(str(each), label, numbers[each]) for each, label in LABELS.items()],
    )  # fmt: skip


@blueprint.get(f"{STAFF}/commitments.csv")
@only(Role.HOST, Role.LEAD)
def commitments_csv(slug: str) -> ResponseReturnValue:
    """The list that is shown, whole, as a table."""
    challenge, account, lead = challenge_or_404(slug), current_account(), Role.LEAD in my_roles(slug)
    page = staff_promises(db.session, challenge, account.id, _shown(), clock.now(), lead=lead, limit=ALL)
    header = ("number", "participant", "session", "text", "owner", "due_on", "state", "state_since", "reason")
    rows = (
        (each.id, each.booking.participant.name, each.booking.starts_at, each.text,
         each.owner.name if each.owner else each.booking.participant.name, each.due_on, each.state, each.state_since,
         each.reason)
        for each in page.rows
    )  # fmt: skip
    return csv_response(f"{slug}-commitments.csv", header, rows)


@blueprint.post(f"{STAFF}/commitments/<int:promise_id>/<verb>")
@only(Role.HOST, Role.LEAD)
def close_commitment(slug: str, promise_id: int, verb: str) -> ResponseReturnValue:
    """Note that it was kept, or that it is dropped and why."""
    challenge, account, lead = challenge_or_404(slug), current_account(), Role.LEAD in my_roles(slug)
    found = promise_for_staff(db.session, challenge.id, account.id, promise_id, lead=lead)
    move, form = move_named(PROMISE_MOVES, verb), DropForm()
    if move.needs and not form.validate_on_submit():
        raise Invalid({"reason": " ".join(str(message) for message in form.reason.errors)})
    close_promise(db.session, found, move, by=account.id, at=clock.now(), scope=slug, reason=form.reason.data or "")
    db.session.commit()
    flash("Marked as done." if move is states.KEEP else "Dropped.", "success")
    return redirect(url_for("office_hours.commitments", slug=slug))


@blueprint.get(f"{MINE}/commitments")
@signed_in
def my_commitments(slug: str) -> ResponseReturnValue:
    """What was promised in one's office hours, by either side."""
    challenge, member = challenge_or_404(slug), member_or_404(slug)
    return render_template(
        "office_hours/my_commitments.html", challenge=challenge, promises=promises_to(db.session, member),
        day=today(clock.now(), challenge.zone),
    )  # fmt: skip


@blueprint.post(f"{MINE}/commitments/<int:promise_id>/done")
@signed_in
def keep_commitment(slug: str, promise_id: int) -> ResponseReturnValue:
    """Note that one has kept what one promised."""
    found = promise_of(db.session, member_or_404(slug), promise_id)
    close_promise(db.session, found, states.KEEP, by=current_account().id, at=clock.now(), scope=slug)
    db.session.commit()
    flash("Marked as done.", "success")
    return redirect(url_for("office_hours.my_commitments", slug=slug))
