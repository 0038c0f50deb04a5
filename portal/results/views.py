"""Results over HTTP: for everybody once released, for the lead before."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account, maybe_account
from portal.accounts.gate import everyone, only, signed_in
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404, member_or_404
from portal.challenges.models import Challenge, Member
from portal.challenges.queries import membership
from portal.challenges.rules import ends_at, host_of, today_in
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Forbidden, Invalid, NotFound
from portal.core.web import conditional, csv_response
from portal.reports.queries import publications
from portal.results import actions, queries, rules
from portal.results.forms import AT_ONCE, ConsentForm, ReleaseForm
from portal.results.rules import Figures

blueprint = Blueprint("results", __name__)

NOT_OUT = "Results that are not out yet are for those of the team who do not."


def _context(challenge: Challenge, at: datetime) -> dict[str, Any]:
    """What the results page and its preview show."""
    picture, out = queries.picture(db.session, challenge), challenge.results_released_at
    return {
        "challenge": challenge,
        "figures": queries.figures(db.session, challenge, at),
        "picture": picture,
        "course": rules.programme(challenge, picture.releases, today_in(challenge, out) if out else None),
        "changed_after": queries.changed_after(db.session, challenge) if rules.released(challenge, at) else None,
    }


@blueprint.get("/challenges/<slug>/results")
@everyone
def show(slug: str) -> ResponseReturnValue:
    """The results with their pictures, once they are released."""
    challenge, now = challenge_or_404(slug), clock.now()
    if not rules.released(challenge, now):
        return render_template("results/not_yet.html", challenge=challenge), 404
    published = publications.public(db.session, challenge, now)
    return render_template("results/show.html", **_context(challenge, now), published=published, host=host_of)


def _two_places(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.2f}"


def _as_json(found: Figures) -> dict[str, Any]:
    """The figures under the names that others rely on; amounts are text with two places."""
    return {
        "challenge": found.challenge,
        "applications": found.applications,
        "participants": found.participants,
        "countries": found.countries,
        "submissions": found.submissions,
        "improvements": found.improvements,
        "critical_or_important": found.critical_or_important,
        "eligible": found.eligible,
        "awarded": {
            "amount": _two_places(found.awarded.amount),
            "currency": found.awarded.currency,
            "max": _two_places(found.awarded.largest),
            "min": _two_places(found.awarded.smallest),
        },
        "by_design": found.by_design,
        "scenarios_achieved": list(found.scenarios_achieved),
        "by_outcome": found.by_outcome,
        "by_severity": found.by_severity,
        "median_days_to_fix": found.median_days_to_fix,
        "median_days_to_fix_critical": found.median_days_to_fix_critical,
        "days_to_fix_most_serious_chain": found.days_to_fix_most_serious_chain,
        "teams": found.teams,
        "single_researchers": found.single_researchers,
        "as_of": found.as_of.isoformat().replace("+00:00", "Z"),
    }


@blueprint.get("/challenges/<slug>/results.json")
@everyone
def as_json(slug: str) -> ResponseReturnValue:
    """The figures for programs, once they are released."""
    challenge, now = challenge_or_404(slug), clock.now()
    if not rules.released(challenge, now):
        return jsonify(error="Not found", reason="There are no results yet."), 404
    # By the minute, so that who asks often is told that nothing has changed.
    minute = now.replace(second=0, microsecond=0)
    return conditional(jsonify(_as_json(queries.figures(db.session, challenge, minute))))


@blueprint.get("/challenges/<slug>/results.csv")
@everyone
def as_csv(slug: str) -> ResponseReturnValue:
    """The same figures as a table of names and values."""
    challenge, now = challenge_or_404(slug), clock.now()
    if not rules.released(challenge, now):
        raise NotFound("table")
    found = _as_json(queries.figures(db.session, challenge, now.replace(second=0, microsecond=0)))
    return conditional(csv_response(f"{slug}-results.csv", ("figure", "value"), _flat(found)))


def _flat(found: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in found.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield before + name, " ".join(value) if isinstance(value, list) else value


@blueprint.get("/challenges/<slug>/results.svg")
@everyone
def as_picture(slug: str) -> ResponseReturnValue:
    """The breakdown of the submissions and the money as one picture."""
    challenge, now = challenge_or_404(slug), clock.now()
    if not rules.released(challenge, now):
        raise NotFound("picture")
    text = render_template("results/picture.svg", **_context(challenge, now))
    return conditional(Response(text, mimetype="image/svg+xml"))


def _own_place(challenge: Challenge) -> Member | None:
    person = maybe_account()
    return membership(db.session, challenge.id, person.id) if person else None


def _thanks(challenge: Challenge, form: ConsentForm | None = None, status: int = 200) -> ResponseReturnValue:
    member, released = _own_place(challenge), rules.released(challenge, clock.now())
    if member is None and not released:
        raise NotFound
    given = queries.acknowledgement_of(db.session, member) if member else None
    values = {"name": given.name, "url": given.url} if given else {"name": member.account.name if member else ""}
    page = render_template(
        "results/acknowledgements.html",
        challenge=challenge,
        released=released,
        names=queries.acknowledgements(db.session, challenge.id) if released else [],
        member=member,
        given=given,
        form=form or ConsentForm(formdata=None, data=values),
    )
    return page, status


@blueprint.get("/challenges/<slug>/acknowledgements")
@everyone
def acknowledgements(slug: str) -> ResponseReturnValue:
    """Who is thanked; and for a participant, whether they want to be."""
    return _thanks(challenge_or_404(slug))


@blueprint.post("/challenges/<slug>/acknowledgements")
@signed_in
def consent(slug: str) -> ResponseReturnValue:
    """Be thanked under a name."""
    member, form = member_or_404(slug, signed=False), ConsentForm()
    if not form.validate():
        return _thanks(challenge_or_404(slug), form, 422)
    actions.consent(db.session, member, form.name.data or "", url=form.url.data or None, at=clock.now())
    db.session.commit()
    flash("You will be thanked under this name. You can take it back at any time.")
    return redirect(url_for("results.acknowledgements", slug=slug))


@blueprint.post("/challenges/<slug>/acknowledgements/withdraw")
@signed_in
def withdraw_consent(slug: str) -> ResponseReturnValue:
    """Not be thanked."""
    actions.withdraw_consent(db.session, member_or_404(slug, signed=False), at=clock.now())
    db.session.commit()
    flash("Your name is not printed.")
    return redirect(url_for("results.acknowledgements", slug=slug))


def _staff(challenge: Challenge, form: ReleaseForm | None = None, status: int = 200) -> ResponseReturnValue:
    now = clock.now()
    page = render_template(
        "results/staff.html",
        **_context(challenge, now),
        released=rules.released(challenge, now),
        over=ends_at(challenge) <= now,
        pending=queries.pending(db.session, challenge),
        thanked=len(queries.acknowledgements(db.session, challenge.id)),
        release=queries.live_release(db.session, challenge.id),
        void=queries.last_void(db.session, challenge.id),
        form=form or ReleaseForm(formdata=None, data={"zone": challenge.zone, "when": AT_ONCE}),
        me=current_account().id,
    )
    return page, status


def _team(slug: str) -> Challenge:
    """The challenge, for those of the team who take no part in it; once its results are out, for the others as well.

    Before, its figures tell what is decided and not told yet, also of one's own. Raises Forbidden.
    """
    challenge = challenge_or_404(slug)
    if not rules.released(challenge, clock.now()) and _own_place(challenge):
        raise Forbidden(f"You take part in the challenge. {NOT_OUT}")
    return challenge


@blueprint.get("/staff/<slug>/results")
@only(Role.LEAD, Role.ADMIN)
def staff(slug: str) -> ResponseReturnValue:
    """The results as they would be released now, what is still open, and when they get out."""
    return _staff(_team(slug))


@blueprint.post("/staff/<slug>/results/release")
@only(Role.LEAD, Role.ADMIN)
def release(slug: str) -> ResponseReturnValue:
    """Propose when everybody is to see them."""
    challenge, form = _team(slug), ReleaseForm()
    if not form.validate_on_submit():
        return _staff(challenge, form, 422)
    try:
        hour = form.release(challenge.zone)
        actions.propose_release(db.session, challenge, hour, by=current_account().id, at=clock.now())
    except Invalid as problem:
        db.session.rollback()
        for name, text in problem.messages.items():
            form[name].errors = [text]
        return _staff(challenge, form, 422)
    db.session.commit()
    flash("The release is proposed. Another lead or an admin confirms it.")
    return redirect(url_for("results.staff", slug=slug))


@blueprint.post("/staff/<slug>/results/release/confirm")
@only(Role.LEAD, Role.ADMIN)
def confirm_release(slug: str) -> ResponseReturnValue:
    """Say yes to the hour that somebody else has proposed."""
    challenge, now = _team(slug), clock.now()
    found = queries.release_of(db.session, challenge.id)
    actions.confirm_release(db.session, challenge, found, by=current_account().id, at=now)
    db.session.commit()
    flash("The results are released." if rules.released(challenge, now) else "The release is confirmed.")
    return redirect(url_for("results.staff", slug=slug))


@blueprint.post("/staff/<slug>/results/release/cancel")
@only(Role.LEAD, Role.ADMIN)
def cancel_release(slug: str) -> ResponseReturnValue:
    """Stop a release that is not out yet."""
    challenge = _team(slug)
    found = queries.release_of(db.session, challenge.id)
    actions.cancel_release(db.session, challenge, found, by=current_account().id, at=clock.now())
    db.session.commit()
    flash("The release is cancelled. Another hour can be proposed.")
    return redirect(url_for("results.staff", slug=slug))
