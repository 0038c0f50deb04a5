"""Results over HTTP: for everybody once released, for the lead before."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from flask import Blueprint, flash, jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account, maybe_account
from portal.accounts.gate import everyone, only, signed_in
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404, member_or_404
from portal.challenges.models import Challenge, Member
from portal.challenges.queries import membership
from portal.challenges.rules import course, ends_at
from portal.core import clock
from portal.core.db import db
from portal.core.errors import NotFound
from portal.core.web import conditional
from portal.results import actions, queries, rules
from portal.results.forms import ConsentForm
from portal.results.rules import Figures

blueprint = Blueprint("results", __name__)


def _context(challenge: Challenge, at: datetime) -> dict[str, Any]:
    """What the results page and its preview show."""
    return {
        "challenge": challenge,
        "figures": queries.figures(db.session, challenge, at),
        "picture": queries.picture(db.session, challenge),
        "course": course(challenge, at),
    }


@blueprint.get("/challenges/<slug>/results")
@everyone
def show(slug: str) -> ResponseReturnValue:
    """The results with their pictures, once they are released."""
    challenge, now = challenge_or_404(slug), clock.now()
    if not rules.released(challenge, now):
        return render_template("results/not_yet.html", challenge=challenge), 404
    return render_template("results/show.html", **_context(challenge, now))


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


def _own_place(challenge: Challenge) -> Member | None:
    person = maybe_account()
    return membership(db.session, challenge.id, person.id) if person else None


def _thanks(challenge: Challenge, form: ConsentForm | None = None, status: int = 200) -> ResponseReturnValue:
    member, released = _own_place(challenge), rules.released(challenge, clock.now())
    if member is None and not released:
        raise NotFound
    given = queries.acknowledgement_of(db.session, member) if member else None
    name = given.name if given else member.account.name if member else ""
    page = render_template(
        "results/acknowledgements.html",
        challenge=challenge,
        released=released,
        names=queries.acknowledgements(db.session, challenge.id) if released else [],
        member=member,
        given=given,
        form=form or ConsentForm(formdata=None, data={"name": name}),
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
    actions.consent(db.session, member, form.name.data or "", at=clock.now())
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


@blueprint.get("/staff/<slug>/results")
@only(Role.LEAD)
def staff(slug: str) -> ResponseReturnValue:
    """The results as they would be released now, and what is still open."""
    challenge, now = challenge_or_404(slug), clock.now()
    return render_template(
        "results/staff.html",
        **_context(challenge, now),
        released=rules.released(challenge, now),
        over=ends_at(challenge) <= now,
        pending=queries.pending(db.session, challenge.id),
        thanked=len(queries.acknowledgements(db.session, challenge.id)),
    )


@blueprint.post("/staff/<slug>/results/release")
@only(Role.LEAD)
def release(slug: str) -> ResponseReturnValue:
    """Let everybody see them."""
    actions.release(db.session, challenge_or_404(slug), by=current_account().id, at=clock.now())
    db.session.commit()
    flash("The results are released.")
    return redirect(url_for("results.staff", slug=slug))
