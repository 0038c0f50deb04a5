"""Announcements as participants read them."""

from datetime import datetime

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.gate import signed_in
from portal.challenges.access import member_or_404
from portal.challenges.actions import news as actions
from portal.challenges.forms.resources import NewsMailForm
from portal.challenges.queries import news
from portal.challenges.states import NewsMail
from portal.challenges.views import blueprint
from portal.challenges.views.resources import reader
from portal.core import clock
from portal.core.db import db, start_writing
from portal.core.errors import Refused


@blueprint.get("/challenges/<slug>/resources/announcements")
@signed_in
def announcements(slug: str) -> ResponseReturnValue:
    """What was announced, the latest first, and when one wants mail about it."""
    return _page(slug, None)


def _page(slug: str, form: NewsMailForm | None) -> str:
    challenge, member, _ = reader(slug)
    now = clock.now()
    page = news.out(db.session, challenge.id, now, after=request.args.get("after"))
    if member and form is None:
        form = NewsMailForm(data={"choice": news.choice_of(db.session, member.id).value})
    return render_template(
        "challenges/announcements.html", challenge=challenge, member=member, page=page, form=form,
        until=now.isoformat(),
        read=news.read_by(db.session, member.account_id, page.rows) if member else set(),
        unread=len(news.unread(db.session, challenge.id, member.account_id, now)) if member else 0,
    )  # fmt: skip


@blueprint.get("/challenges/<slug>/resources/announcements/<int:announcement_id>")
@signed_in
def announcement(slug: str, announcement_id: int) -> ResponseReturnValue:
    """One announcement; a member who opens it has read it."""
    challenge, member, _ = reader(slug)
    now = clock.now()
    shown = news.announcement_out(db.session, challenge, announcement_id, now)
    # A browser that fetches ahead, or a program that only asks, has read nothing.
    opened = request.method == "GET" and "prefetch" not in request.headers.get("Sec-Purpose", "")
    if member and opened and not news.read_by(db.session, member.account_id, [shown]):
        start_writing(db.session)
        actions.mark_read(db.session, [shown.id], member.account_id, at=now)
        page = render_template("challenges/announcement.html", challenge=challenge, announcement=shown)
        db.session.commit()
        return page
    return render_template("challenges/announcement.html", challenge=challenge, announcement=shown)


@blueprint.post("/challenges/<slug>/resources/announcements/read")
@signed_in
def read_all(slug: str) -> ResponseReturnValue:
    """Mark all as read that the page showed or could have shown."""
    member = member_or_404(slug)
    try:
        until = datetime.fromisoformat(request.form.get("until", ""))
    except ValueError:
        until = None
    if until is None or until.tzinfo is None:
        raise Refused("Nothing was marked: the page did not say until when. Reload it.")
    actions.mark_all_read(db.session, member, until, at=clock.now())
    db.session.commit()
    flash("All is marked as read.")
    return redirect(url_for("challenges.announcements", slug=slug))


@blueprint.post("/challenges/<slug>/resources/announcements/mail")
@signed_in
def choose_news_mail(slug: str) -> ResponseReturnValue:
    """When the member wants mail."""
    member, form = member_or_404(slug), NewsMailForm()
    if not form.validate():
        return _page(slug, form), 422
    actions.choose_mail(db.session, member, NewsMail(form.choice.data), at=clock.now())
    db.session.commit()
    flash("Saved.")
    return redirect(url_for("challenges.announcements", slug=slug))
