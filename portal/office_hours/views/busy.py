"""A host's own calendar: when they cannot hold office hours."""

from datetime import timedelta

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import may_open, only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.core import clock
from portal.core.db import db, reads_first, set_reading, start_writing
from portal.core.mail import config_of
from portal.kits.vault import Vault
from portal.office_hours.actions import calendars
from portal.office_hours.busy import LARGEST, Unreadable, read_apart
from portal.office_hours.fetch import why_not_address
from portal.office_hours.forms.exceptions import CalendarAddressForm, CalendarFileForm
from portal.office_hours.jobs import WEEKS_AHEAD
from portal.office_hours.queries.calendars import busy_of, calendar_of
from portal.office_hours.views import blueprint

BASE = "/staff/<slug>/office-hours/busy"


@blueprint.url_value_preprocessor
def allow_calendars(endpoint: str | None, values: dict[str, str] | None) -> None:
    """Let hosts send a whole calendar. This comes before anything reads the request."""
    if endpoint == "office_hours.busy_file" and request.method == "POST":
        set_reading(True)
        if may_open(endpoint, (values or {}).get("slug")):
            request.max_content_length = LARGEST + 1024 * 1024
        # The file may take its time to arrive: meanwhile no transaction is open.
        db.session.rollback()


@blueprint.get(BASE)
@only(Role.HOST)
def busy(slug: str) -> ResponseReturnValue:
    """What is known of the person's calendar."""
    return _page(slug, CalendarFileForm(), CalendarAddressForm(), 200)


@blueprint.post(f"{BASE}/file")
@only(Role.HOST)
@reads_first
def busy_file(slug: str) -> ResponseReturnValue:
    """Read an uploaded calendar, once. It is not kept, only its times are."""
    account, at, form = current_account(), clock.now(), CalendarFileForm()
    if not form.validate_on_submit():
        return _page(slug, form, CalendarAddressForm(formdata=None), 422)
    try:
        times = read_apart(form.file.data.read(LARGEST + 1), account.zone, at, at + calendars.AHEAD)
    except Unreadable as reason:
        form.file.errors = [str(reason)]
        return _page(slug, form, CalendarAddressForm(formdata=None), 422)
    start_writing(db.session)
    calendars.give_file(db.session, account.id, times, at=at)
    db.session.commit()
    flash(f"Read: {len(times)} busy times in the coming year. Nothing else of the file is kept.", "success")
    return redirect(url_for("office_hours.busy", slug=slug))


@blueprint.post(f"{BASE}/address")
@only(Role.HOST)
def busy_address(slug: str) -> ResponseReturnValue:
    """Keep an address, sealed, to be read by the job."""
    account, form, config = current_account(), CalendarAddressForm(), config_of(current_app)
    url = (form.url.data or "").replace("webcal://", "https://", 1)
    reason = why_not_address(url, config.calendar_hosts) if form.validate_on_submit() else None
    if reason:
        form.url.errors = [reason]
    if form.errors:
        form.url.data = ""
        return _page(slug, CalendarFileForm(formdata=None), form, 422)
    sealed = Vault.of(config).seal({"url": url}, calendars.subject(account.id))
    calendars.give_address(db.session, account.id, sealed, at=clock.now())
    db.session.commit()
    flash("Kept. It is read within the next minutes, and then every hour.", "success")
    return redirect(url_for("office_hours.busy", slug=slug))


@blueprint.post(f"{BASE}/forget")
@only(Role.HOST)
def busy_forget(slug: str) -> ResponseReturnValue:
    """Forget the calendar and its times."""
    calendars.take_back_calendar(db.session, current_account().id, at=clock.now())
    db.session.commit()
    flash("Forgotten. Slots are offered without regard to your calendar.")
    return redirect(url_for("office_hours.busy", slug=slug))


def _page(slug: str, file: CalendarFileForm, address: CalendarAddressForm, status: int) -> ResponseReturnValue:
    account, at = current_account(), clock.now()
    page = render_template(
        "office_hours/busy.html",
        challenge=challenge_or_404(slug),
        calendar=calendar_of(db.session, account.id),
        times=busy_of(db.session, account.id, at, at + timedelta(weeks=WEEKS_AHEAD)),
        file=file,
        address=address,
        servers=sorted(config_of(current_app).calendar_hosts),
    )
    return page, status
