"""Questions and answers for all: reading and searching them, writing and reviewing them, agreeing to them."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import my_roles, only, signed_in
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404, member_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.core.errors import NotFound
from portal.core.moves import move_named, open_moves
from portal.core.web import csv_response
from portal.office_hours import queries, states
from portal.office_hours.actions import answers as actions
from portal.office_hours.forms.days import AnswerForm, ReviewForm, WithdrawForm
from portal.office_hours.models import Answer, Booking
from portal.office_hours.queries import answers as found
from portal.office_hours.rules.answers import why_not_publish, why_not_review
from portal.office_hours.states import ANSWER_MOVES, AnswerState
from portal.office_hours.views import blueprint

STAFF, MINE = "/staff/<slug>/office-hours", "/challenges/<slug>/office-hours"
ALL = 100_000
LONGEST = 200


def _reader(slug: str) -> Challenge:
    """The challenge, for its staff and for members who have signed. Raises NotFound for strangers."""
    if not my_roles(slug):
        member_or_404(slug)
    return challenge_or_404(slug)


@blueprint.get(f"{MINE}/answers")
@signed_in
def answers(slug: str) -> ResponseReturnValue:
    """What was asked in office hours and is of use to all, with a search."""
    challenge = _reader(slug)
    text, component = request.args.get("q", "").strip()[:LONGEST], request.args.get("component", "")[:LONGEST]
    page = found.published(db.session, challenge.id, text, component, request.args.get("after"))
    return render_template(
        "office_hours/answers.html", challenge=challenge, page=page, text=text, component=component,
        components=found.published_components(db.session, challenge.id),
    )  # fmt: skip


@blueprint.get(f"{MINE}/answers/<key>")
@signed_in
def answer(slug: str, key: str) -> ResponseReturnValue:
    """One question and its answer."""
    challenge = _reader(slug)
    shown = found.published_answer(db.session, challenge.id, key)
    return render_template("office_hours/answer.html", challenge=challenge, answer=shown)


@blueprint.post(f"{MINE}/bookings/<uid>/consent/<key>")
@signed_in
def consent(slug: str, uid: str, key: str) -> ResponseReturnValue:
    """Agree to publishing the text that was read, or not."""
    booking = queries.booking_of(db.session, member_or_404(slug), uid)
    asked = found.answer_of(db.session, booking.slot.sitting.series.challenge_id, key)
    agrees = {"yes": True, "no": False}.get(request.form.get("agrees", ""))
    version = request.form.get("version", "")
    if agrees is None or not version.isdecimal() or len(version) > 9:
        raise NotFound("answer")
    actions.say_consent(
        db.session, asked, booking, agrees=agrees, version=int(version), by=current_account().id, at=clock.now()
    )
    db.session.commit()
    flash("Thank you. It may be published." if agrees else "It is not published.", "success")
    return redirect(url_for("office_hours.booking", slug=slug, uid=uid))


def _state() -> AnswerState | None:
    given = request.args.get("state", "")
    try:
        return AnswerState(given) if given else None
    except ValueError as error:
        raise NotFound("list") from error


@blueprint.get(f"{STAFF}/answers")
@only(Role.HOST, Role.LEAD)
def staff_answers(slug: str) -> ResponseReturnValue:
    """All of them with their states."""
    challenge = challenge_or_404(slug)
    numbers = found.counts(db.session, challenge.id)
    return render_template(
        "office_hours/staff_answers.html", challenge=challenge,
        page=found.answers(db.session, challenge.id, _state(), request.args.get("after")),
        choices=[("", "All", sum(numbers.values())),
                 *((str(each), each.capitalize(), numbers.get(each, 0)) for each in AnswerState)],
    )  # fmt: skip


@blueprint.get(f"{STAFF}/answers.csv")
@only(Role.HOST, Role.LEAD)
def answers_csv(slug: str) -> ResponseReturnValue:
    """All of them as a table: never whose question one was."""
    challenge = challenge_or_404(slug)
    page = found.answers(db.session, challenge.id, _state(), limit=ALL)
    header = ("key", "title", "component", "state", "state_since", "published_at")
    rows = ((each.key, each.title, each.component, each.state, each.state_since, each.published_at)
            for each in page.rows)  # fmt: skip
    return csv_response(f"{slug}-answers.csv", header, rows)


@blueprint.route(f"{STAFF}/answers/new", methods=["GET", "POST"])
@only(Role.HOST, Role.LEAD)
def new_answer(slug: str) -> ResponseReturnValue:
    """Begin one, of nobody's question in particular or (?booking=) of that of a booking of one's own."""
    challenge, form = challenge_or_404(slug), AnswerForm()
    booking = _of(challenge)
    if not form.validate_on_submit():
        page = render_template(
            "office_hours/edit_answer.html", challenge=challenge, form=form, answer=None, booking=booking,
            components=found.known_components(db.session, challenge.id),
        )  # fmt: skip
        return page, 422 if form.is_submitted() else 200
    made = actions.draft_answer(
        db.session, challenge, form.words(), by=current_account().id, at=clock.now(), booking=booking
    )
    db.session.commit()
    flash("Saved. Somebody else reviews it.", "success")
    return redirect(url_for("office_hours.staff_answer", slug=slug, key=made.key))


def _of(challenge: Challenge) -> Booking | None:
    uid = request.args.get("booking", "")
    return queries.booking_for_host(db.session, challenge.id, current_account().id, uid) if uid else None


def answer_page(
    slug: str, shown: Answer, status: int, review: ReviewForm | None = None, withdraw: WithdrawForm | None = None
) -> ResponseReturnValue:
    """One for those who write them, with whichever of its forms was filled in."""
    page = render_template(
        "office_hours/staff_answer.html", challenge=challenge_or_404(slug), answer=shown,
        moves={move.name for move in open_moves(ANSWER_MOVES, shown.state)},
        cannot_review=why_not_review(shown, current_account().id), cannot_publish=why_not_publish(shown),
        review=review or ReviewForm(formdata=None, version=shown.version),
        withdraw=withdraw or WithdrawForm(formdata=None),
    )  # fmt: skip
    return page, status


@blueprint.get(f"{STAFF}/answers/<key>")
@only(Role.HOST, Role.LEAD)
def staff_answer(slug: str, key: str) -> ResponseReturnValue:
    """One in whichever state, and what may be done with it."""
    return answer_page(slug, found.answer_of(db.session, challenge_or_404(slug).id, key), 200)


@blueprint.route(f"{STAFF}/answers/<key>/edit", methods=["GET", "POST"])
@only(Role.HOST, Role.LEAD)
def edit_answer(slug: str, key: str) -> ResponseReturnValue:
    """Change a draft."""
    challenge = challenge_or_404(slug)
    shown = found.answer_of(db.session, challenge.id, key)
    form = AnswerForm(obj=shown)
    if not form.validate_on_submit():
        page = render_template(
            "office_hours/edit_answer.html", challenge=challenge, form=form, answer=shown, booking=None,
            components=found.known_components(db.session, challenge.id),
        )  # fmt: skip
        return page, 422 if form.is_submitted() else 200
    actions.rewrite_answer(
        db.session, shown, challenge, form.words(), version=form.version.data or 0, by=current_account().id,
        at=clock.now(),
    )  # fmt: skip
    db.session.commit()
    flash("Saved. Somebody else reviews it.", "success")
    return redirect(url_for("office_hours.staff_answer", slug=slug, key=key))


@blueprint.post(f"{STAFF}/answers/<key>/<verb>")
@only(Role.HOST, Role.LEAD)
def move_answer(slug: str, key: str, verb: str) -> ResponseReturnValue:
    """Review it, publish it, withdraw it, or take it back."""
    challenge, account, at = challenge_or_404(slug), current_account(), clock.now()
    shown, move = found.answer_of(db.session, challenge.id, key), move_named(ANSWER_MOVES, verb)
    if move is states.REVIEW:
        review = ReviewForm()
        if not review.validate_on_submit():
            return answer_page(slug, shown, 422, review=review)
        actions.review_answer(db.session, shown, challenge, version=review.version.data or 0, by=account.id, at=at)
    else:
        form = WithdrawForm()
        if move.needs and not form.validate_on_submit():
            return answer_page(slug, shown, 422, withdraw=form)
        reason = form.reason.data or "" if move.needs else ""
        actions.move_answer(db.session, shown, challenge, move, by=account.id, at=at, reason=reason)
    db.session.commit()
    flash(f"{shown.title}: {shown.state}.", "success")
    return redirect(url_for("office_hours.staff_answer", slug=slug, key=key))
