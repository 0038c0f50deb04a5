"""Announcements as the lead and the hosts make them."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.challenges.actions import news as actions
from portal.challenges.forms.resources import AnnouncementForm
from portal.challenges.models import Announcement, Challenge
from portal.challenges.queries import news
from portal.challenges.queries import resources as found
from portal.challenges.views import blueprint
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Invalid


def _form(challenge: Challenge, announcement: Announcement | None = None) -> AnnouncementForm:
    return AnnouncementForm.of(found.builds(db.session, challenge.id), challenge.zone, announcement)


def _page(challenge: Challenge, form: AnnouncementForm, announcement: Announcement | None) -> ResponseReturnValue:
    page = render_template(
        "challenges/staff_announcement.html", challenge=challenge, form=form, announcement=announcement,
        editable=announcement is None or (announcement.state == "published" and announcement.publish_at > clock.now()),
    )  # fmt: skip
    return page, 422 if form.errors else 200


def _refused(form: AnnouncementForm, problem: Invalid) -> None:
    for name, text in problem.messages.items():
        form[name].errors = [text]


@blueprint.route("/staff/<slug>/resources/announcements/new", methods=["GET", "POST"])
@only(Role.LEAD, Role.HOST)
def announce(slug: str) -> ResponseReturnValue:
    """Tell every participant something, now or later."""
    challenge = challenge_or_404(slug)
    form = _form(challenge)
    if not form.validate_on_submit():
        return _page(challenge, form, None)
    try:
        made = actions.announce(
            db.session, challenge, form.notice(challenge.zone), by=current_account().id, at=clock.now()
        )
    except Invalid as problem:
        _refused(form, problem)
        return _page(challenge, form, None)
    db.session.commit()
    flash("It is out." if made.publish_at <= clock.now() else "It goes out by itself when its time has come.")
    return redirect(url_for("challenges.staff_resources", slug=slug))


@blueprint.route("/staff/<slug>/resources/announcements/<int:announcement_id>", methods=["GET", "POST"])
@only(Role.LEAD, Role.HOST)
def staff_announcement(slug: str, announcement_id: int) -> ResponseReturnValue:
    """An announcement; before it is out it can be changed."""
    challenge = challenge_or_404(slug)
    found_one = news.announcement_of(db.session, challenge, announcement_id)
    form = _form(challenge, found_one)
    if not form.validate_on_submit():
        return _page(challenge, form, found_one)
    notice, by, now = form.notice(challenge.zone), current_account().id, clock.now()
    try:
        actions.change_announcement(db.session, challenge, found_one, notice, by=by, at=now)
    except Invalid as problem:
        _refused(form, problem)
        return _page(challenge, form, found_one)
    db.session.commit()
    flash("Saved.")
    return redirect(url_for("challenges.staff_resources", slug=slug))


@blueprint.post("/staff/<slug>/resources/announcements/<int:announcement_id>/withdraw")
@only(Role.LEAD, Role.HOST)
def withdraw_announcement(slug: str, announcement_id: int) -> ResponseReturnValue:
    """Take an announcement back."""
    challenge = challenge_or_404(slug)
    found_one = news.announcement_of(db.session, challenge, announcement_id)
    actions.withdraw_announcement(db.session, challenge, found_one, by=current_account().id, at=clock.now())
    db.session.commit()
    flash("It is withdrawn: participants do not see it any more.")
    return redirect(url_for("challenges.staff_resources", slug=slug))
