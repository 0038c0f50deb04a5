"""Hosts: their certificate, the sealed questions of their bookings, written answers, and the way into a meeting."""

from flask import Response, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_security import auth_required

from portal.accounts.current import current_account
from portal.accounts.gate import my_roles, only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.core import clock
from portal.core.db import db, start_writing
from portal.core.errors import Forbidden, Refused
from portal.core.mail import config_of
from portal.kits.vault import Vault
from portal.office_hours import queries
from portal.office_hours.actions import early, links
from portal.office_hours.actions.hostkeys import give_certificate
from portal.office_hours.actions.questions import note_download
from portal.office_hours.forms.questions import AnswerForm, CertificateForm, LinkForm
from portal.office_hours.queries.links import is_host_of, link_at
from portal.office_hours.queries.questions import answer_of, keys_of, sealed_question
from portal.office_hours.rules.questions import WARN_BEFORE
from portal.office_hours.views import blueprint

BASE = "/staff/<slug>/office-hours"
FRESH_MINUTES = 30


@blueprint.route(f"{BASE}/certificate", methods=["GET", "POST"])
@only(Role.HOST)
@auth_required("session", within=FRESH_MINUTES, grace=FRESH_MINUTES)
def certificate(slug: str) -> ResponseReturnValue:
    """One's own certificate, to which questions are sealed, and those before it."""
    account, at, form = current_account(), clock.now(), CertificateForm()
    if form.validate_on_submit():
        try:
            given = give_certificate(
                db.session, account.id, form.text(), at=at, demonstration=config_of(current_app).demonstration
            )
            db.session.commit()
        except Refused as refusal:
            db.session.rollback()
            form.certificate.errors = [refusal.reason]
        else:
            flash(f"Questions are sealed to {given.fingerprint} from now on.", "success")
            return redirect(url_for("office_hours.certificate", slug=slug))
    found = keys_of(db.session, account.id)
    live = found[0] if found and found[0].retired_at is None else None
    page = render_template(
        "office_hours/certificate.html", challenge=challenge_or_404(slug), form=form, live=live, at=at,
        warn=at + WARN_BEFORE, before=[key for key in found if key.retired_at],
    )  # fmt: skip
    return page, 422 if form.errors else 200


@blueprint.get(f"{BASE}/bookings/<uid>/question.pgp")
@only(Role.HOST)
def take_question(slug: str, uid: str) -> ResponseReturnValue:
    """The sealed question of a booking in one's own slot. Taking it is noted."""
    booking = queries.booking_for_host(db.session, challenge_or_404(slug).id, current_account().id, uid)
    found = sealed_question(db.session, booking)
    content, name, sha256 = found.content, f"question-{uid}.pgp", found.sha256
    start_writing(db.session)
    note_download(db.session, booking, found, by=current_account().id, at=clock.now())
    db.session.commit()
    told = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store",
            "ETag": f'"sha256-{sha256}"'}  # fmt: skip
    return Response(content, mimetype="application/pgp-encrypted", headers=told)


@blueprint.route(f"{BASE}/bookings/<uid>/answer", methods=["GET", "POST"])
@only(Role.HOST)
def write_answer(slug: str, uid: str) -> ResponseReturnValue:
    """Answer a booking in writing, ahead of its session."""
    challenge, account = challenge_or_404(slug), current_account()
    booking, form = queries.booking_for_host(db.session, challenge.id, account.id, uid), AnswerForm()
    if not form.validate_on_submit():
        page = render_template("office_hours/answer_early.html", challenge=challenge, booking=booking, form=form)
        return page, 422 if form.is_submitted() else 200
    early.offer_answer(db.session, booking, form.text.data or "", by=account.id, at=clock.now())
    sitting_id = booking.slot.sitting_id
    db.session.commit()
    flash("Sent. The participant says whether that will do.", "success")
    return redirect(url_for("office_hours.sitting", slug=slug, sitting_id=sitting_id))


@blueprint.post(f"{BASE}/bookings/<uid>/answers/<int:answer_id>/take-back")
@only(Role.HOST)
def take_back_answer(slug: str, uid: str, answer_id: int) -> ResponseReturnValue:
    """Forget a written answer."""
    account = current_account()
    booking = queries.booking_for_host(db.session, challenge_or_404(slug).id, account.id, uid)
    sitting_id, answer = booking.slot.sitting_id, answer_of(db.session, booking, answer_id)
    early.take_back_answer(db.session, booking, answer, by=account.id, at=clock.now())
    db.session.commit()
    flash("Taken back. Its text is gone.")
    return redirect(url_for("office_hours.sitting", slug=slug, sitting_id=sitting_id))


@blueprint.route(f"{BASE}/series/<int:series_id>/link", methods=["GET", "POST"])
@only(Role.HOST, Role.LEAD)
def series_link(slug: str, series_id: int) -> ResponseReturnValue:
    """The way into the meetings of a series."""
    found = queries.one_series(db.session, challenge_or_404(slug).id, series_id)
    return _link(slug, "series_id", found.id, found.title, url_for("office_hours.staff", slug=slug))


@blueprint.route(f"{BASE}/sessions/<int:sitting_id>/link", methods=["GET", "POST"])
@only(Role.HOST, Role.LEAD)
def sitting_link(slug: str, sitting_id: int) -> ResponseReturnValue:
    """The way into one session."""
    found = queries.sitting_of(db.session, challenge_or_404(slug).id, sitting_id)
    title = f"{found.series.title}, the session of {found.starts_at:%-d %B %Y}"
    back = url_for("office_hours.sitting", slug=slug, sitting_id=sitting_id)
    return _link(slug, "sitting_id", found.id, title, back)


@blueprint.route(f"{BASE}/slots/<int:slot_id>/link", methods=["GET", "POST"])
@only(Role.HOST, Role.LEAD)
def slot_link(slug: str, slot_id: int) -> ResponseReturnValue:
    """The way into one slot."""
    found = queries.slot_of(db.session, challenge_or_404(slug).id, slot_id)
    title = f"{found.sitting.series.title}, the slot of {found.starts_at:%-d %B %Y, %H:%M} UTC"
    return _link(
        slug, "slot_id", found.id, title, url_for("office_hours.sitting", slug=slug, sitting_id=found.sitting_id)
    )


def _link(slug: str, place: str, number: int, title: str, back: str) -> ResponseReturnValue:
    if Role.LEAD not in my_roles(slug) and not is_host_of(db.session, place, number, current_account().id):
        raise Forbidden("The way in is given by one of its hosts or by the lead.")
    verb = request.form.get("verb", "save")
    form = LinkForm(formdata=None) if verb != "save" else LinkForm()
    if request.method == "POST" and (verb != "save" or form.validate_on_submit()):
        try:
            flash(_changed(slug, place, number, verb, form.url.data or ""), "success")
            db.session.commit()
        except Refused as refusal:
            db.session.rollback()
            form.url.errors = [refusal.reason]
        else:
            return redirect(back)
    link = link_at(db.session, place, number)
    page = render_template(
        "office_hours/link.html", challenge=challenge_or_404(slug), form=form, title=title, back=back,
        link=link if link and link.sealed else None,
    )  # fmt: skip
    return page, 422 if form.errors else 200


def _changed(slug: str, place: str, number: int, verb: str, url: str) -> str:
    """Do what the form asks for; what to say of it."""
    by, at, vault = current_account().id, clock.now(), Vault.of(config_of(current_app))
    if verb == "remove":
        links.remove_link(db.session, place, number, by=by, at=at, scope=slug)
        return "The way in is forgotten."
    if verb == "renew":
        told = links.renew_link(db.session, place, number, vault, by=by, at=at, scope=slug)
    else:
        told = links.set_link(db.session, place, number, url, vault, by=by, at=at, scope=slug)
    return f"The way in is kept, sealed. Bookings whose people are told of the change: {told}."
