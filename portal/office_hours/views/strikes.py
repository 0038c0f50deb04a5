"""What participants have missed, and forgiving it."""

from collections import Counter

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Forbidden
from portal.core.web.filters import counted
from portal.office_hours import actions, queries
from portal.office_hours.forms.behalf import ForgiveForm
from portal.office_hours.queries import behalf
from portal.office_hours.queries.strikes import strikes as find_strikes
from portal.office_hours.views import blueprint
from portal.office_hours.views.behalf import own_only
from portal.office_hours.views.shapes import sender
from portal.office_hours.views.sitting import may_change

BASE = "/staff/<slug>/office-hours"


@blueprint.get(f"{BASE}/strikes")
@only(Role.HOST, Role.LEAD)
def strikes(slug: str) -> ResponseReturnValue:
    """What was missed and has not lapsed: in a host's own slots, or for the lead everywhere."""
    return _page(slug, ForgiveForm(formdata=None), "", 200)


def _page(slug: str, form: ForgiveForm, tried: str, status: int) -> ResponseReturnValue:
    challenge, own = challenge_or_404(slug), own_only(slug)
    found = find_strikes(db.session, challenge.id, clock.now(), host_id=own)
    page = render_template(
        "office_hours/strikes.html", challenge=challenge, strikes=found, form=form, tried=tried, own=own is not None,
        names=behalf.participants_named(db.session, [strike.participant_id for strike in found]),
        live=Counter(strike.participant_id for strike in found if strike.forgiven is None),
    )  # fmt: skip
    return page, status


@blueprint.post(f"{BASE}/bookings/<uid>/forgive")
@only(Role.HOST, Role.LEAD)
def forgive(slug: str, uid: str) -> ResponseReturnValue:
    """Let a strike count no more."""
    challenge, form = challenge_or_404(slug), ForgiveForm()
    found = behalf.booking_for_staff(db.session, challenge.id, own_only(slug), uid)
    if not form.validate_on_submit():
        return _page(slug, form, uid, 422)
    name, by = found.participant.name, current_account().id
    actions.forgive_strike(db.session, challenge, found, form.reason.data or "", by=by, at=clock.now(), sender=sender())
    db.session.commit()
    flash(f"Forgiven. {name} is told.", "success")
    return redirect(url_for("office_hours.strikes", slug=slug))


@blueprint.post(f"{BASE}/sessions/<int:sitting_id>/forgive")
@only(Role.HOST, Role.LEAD)
def forgive_sitting(slug: str, sitting_id: int) -> ResponseReturnValue:
    """Let nobody's absence from a session count, such as when the meeting itself failed."""
    challenge, form = challenge_or_404(slug), ForgiveForm()
    found = queries.sitting_of(db.session, challenge.id, sitting_id)
    if not may_change(slug, found):
        raise Forbidden("A session's strikes are forgiven by one of its hosts or by the lead.")
    if not form.validate_on_submit():
        flash("Say why: it is in the mail to everybody who is forgiven.", "danger")
        return redirect(url_for("office_hours.sitting", slug=slug, sitting_id=sitting_id))
    count = actions.forgive_sitting(
        db.session, challenge, found, request.form["reason"].strip(), by=current_account().id, at=clock.now(),
        sender=sender(),
    )  # fmt: skip
    db.session.commit()
    flash(f"No absence from this session counts; {counted(count, 'strike')} forgiven.", "success")
    return redirect(url_for("office_hours.sitting", slug=slug, sitting_id=sitting_id))
