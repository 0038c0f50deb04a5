"""Changing many applications at once: asking, restating, watching, stopping."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.selection.actions import bulk as actions
from portal.selection.forms.bulk import BulkForm
from portal.selection.models import BulkMove
from portal.selection.queries import bulk as queries
from portal.selection.queries import queue as lists
from portal.selection.queries.asked import canonical, filter_from, parsed
from portal.selection.queries.queue import Filter
from portal.selection.rules import bulk as rules
from portal.selection.states import BulkState, BulkVerb
from portal.selection.views.blueprint import blueprint


@blueprint.post("/staff/<slug>/bulk")
@only(Role.LEAD)
def ask_bulk(slug: str) -> ResponseReturnValue:
    """Do one thing to the ticked ones, or to all of the filter in the address, as many as the person saw.

    Where the person could not see the number, or the verb needs words, it is stated again and asked for first.
    """
    challenge, form = challenge_or_404(slug), BulkForm()
    verb, ticked = form.chosen(), sorted(set(request.form.getlist("application", type=int)))
    if verb is None:
        raise Refused("Choose what to do with them.")
    every = bool(form.all.data)
    if not every and not ticked:
        raise Refused("No application was selected, so nothing was changed.")
    count = form.count.data if every else len(ticked)
    messages = rules.missing(verb, form.given())
    if count is None or messages or not form.validate():
        return _restate(challenge, form, verb, [] if every else ticked, messages)
    chosen = _filter(challenge) if every else ticked
    made = actions.ask(
        db.session, challenge, chosen, verb, form.given(), count=count, by=current_account().id, at=clock.now()
    )  # fmt: skip
    db.session.commit()
    return _onward(challenge, made)


def _filter(challenge: Challenge) -> Filter:
    """What the list shows that the person came from."""
    me = current_account().id
    chosen = lists.without_own(db.session, challenge.id, filter_from(request.args, full=True, me=me), me)
    return lists.with_shipping(db.session, challenge.id, chosen)


def _restate(
    challenge: Challenge, form: BulkForm, verb: BulkVerb, ticked: list[int], messages: dict[str, str]
) -> ResponseReturnValue:
    """How many it would be, and what the verb still needs. What was not asked for yet is no mistake."""
    number = len(ticked) or lists.count(db.session, challenge.id, _filter(challenge))
    again = "again" in request.form
    if again:
        form.complain(messages)
    page = render_template(
        "selection/bulk_ask.html", challenge=challenge, form=form, verb=verb, label=rules.LABELS[verb],
        needs=rules.NEEDS.get(verb, ()), ticked=ticked, number=number, query=parsed(canonical(request.args)),
    )  # fmt: skip
    return page, 422 if again else 200


def _onward(challenge: Challenge, made: BulkMove) -> ResponseReturnValue:
    """A short change is told where the person was, a long one has a page on which to watch it."""
    if made.state is BulkState.DONE and not made.skipped:
        flash(f"{rules.LABELS[made.verb]}: done for {made.done:,}.")
        shown = parsed(canonical(request.args)) or {"view": "none"}
        return redirect(url_for("selection.queue", slug=challenge.slug, **shown))
    return redirect(url_for("selection.bulk", slug=challenge.slug, bulk_id=made.id))


@blueprint.get("/staff/<slug>/bulk")
@only(Role.LEAD)
def bulks(slug: str) -> ResponseReturnValue:
    """What was done to many at once, the newest first."""
    challenge = challenge_or_404(slug)
    page = queries.latest(db.session, challenge.id, request.args.get("after"))
    return render_template("selection/bulks.html", challenge=challenge, page=page, labels=rules.LABELS)


@blueprint.get("/staff/<slug>/bulk/<int:bulk_id>")
@only(Role.LEAD)
def bulk(slug: str, bulk_id: int) -> ResponseReturnValue:
    """How far it has come, and what was left out and why."""
    challenge = challenge_or_404(slug)
    found = queries.one(db.session, challenge.id, bulk_id)
    return render_template(
        "selection/bulk.html", challenge=challenge, bulk=found, label=rules.LABELS[found.verb],
        running=found.state in queries.OPEN, given=[(name.capitalize(), told) for name, told in found.given.items()],
        reasons=queries.reasons(db.session, found.id),
        page=queries.left_out(db.session, found.id, request.args.get("after")),
    )  # fmt: skip


@blueprint.post("/staff/<slug>/bulk/<int:bulk_id>/stop")
@only(Role.LEAD)
def stop_bulk(slug: str, bulk_id: int) -> ResponseReturnValue:
    """Leave the rest as it is."""
    challenge = challenge_or_404(slug)
    found = queries.one(db.session, challenge.id, bulk_id)
    actions.stop(db.session, found, by=current_account().id, at=clock.now())
    db.session.commit()
    flash("Stopped. What is done stays done.")
    return redirect(url_for("selection.bulk", slug=slug, bulk_id=bulk_id))
