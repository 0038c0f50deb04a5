"""What carriers tell of: numbers nobody has, what failed, what was heard last, and whom we ask."""

from flask import current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.core.errors import NotFound
from portal.core.mail import config_of
from portal.kits import queries
from portal.kits.actions import inbox
from portal.kits.forms import told_apart
from portal.kits.forms.tracking import MatchForm, NumberForm
from portal.kits.queries import tracking as news
from portal.kits.rules.payloads import PROVIDERS
from portal.kits.views.base import blueprint
from portal.kits.views.webhooks import checks

NAMES = {"easypost": "EasyPost", "shippo": "Shippo", "shipstation": "ShipStation"}


def _page(challenge: Challenge, bound: MatchForm | None = None, status: int = 200) -> ResponseReturnValue:
    """The page; `bound` is a form that came back with something wrong in it."""
    config, unknown = config_of(current_app), news.unknown(db.session)
    forms = {each.number: told_apart(MatchForm(formdata=None), each.number) for each in unknown}
    if bound is not None and bound.number.data in forms:
        forms[bound.number.data] = told_apart(bound, bound.number.data)
    latest, polls = news.latest(db.session, challenge.id), news.polls(db.session, challenge.id)
    page = render_template(
        "kits/tracking.html",
        challenge=challenge,
        unknown=unknown,
        forms=forms,
        waiting=news.count_waiting(db.session),
        failed=news.failed(db.session, challenge.id),
        latest=latest,
        homeward=news.homeward(db.session, [each.shipment_id for each in latest if each.shipment_id]),
        polls=polls,
        asked={each.shipment_id: each for each in news.asked(db.session, [poll.shipment_id for poll in polls])},
        heard=news.heard(db.session),
        posted=checks(),
        providers=PROVIDERS,
        names=NAMES,
        public_url=config.public_url,
        asks=bool(config.tracking_url),
    )
    return page, status


@blueprint.get("/staff/<slug>/shipments/tracking")
@only(Role.LOGISTICS)
def tracking(slug: str) -> ResponseReturnValue:
    """What carriers tell of."""
    return _page(challenge_or_404(slug))


@blueprint.post("/staff/<slug>/shipments/tracking/match")
@only(Role.LOGISTICS)
def match_tracking(slug: str) -> ResponseReturnValue:
    """Say whose a number is that nobody has."""
    challenge, form = challenge_or_404(slug), MatchForm()
    if not form.validate():
        return _page(challenge, form, 422)
    try:
        parcel = queries.shipment(db.session, challenge.id, form.shipment_id)
    except NotFound:
        form.parcel.errors = ["There is no such parcel in this challenge."]
        return _page(challenge, form, 422)
    number = form.number.data or ""
    inbox.match(db.session, number, parcel, by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"{number} is {parcel.reference}'s, which is {parcel.state.replace('_', ' ')}.")
    return redirect(url_for("kits.tracking", slug=slug))


@blueprint.post("/staff/<slug>/shipments/tracking/dismiss")
@only(Role.LOGISTICS)
def dismiss_number(slug: str) -> ResponseReturnValue:
    """Lay aside what was heard of a number that is not ours."""
    challenge_or_404(slug)
    form = NumberForm()
    form.validate()
    number = (form.number.data or "")[:60]
    inbox.dismiss_number(db.session, number, scope=slug, by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"{number} is laid aside.")
    return redirect(url_for("kits.tracking", slug=slug))


@blueprint.post("/staff/<slug>/shipments/tracking/<int:news_id>/<any(again, dismiss):what>")
@only(Role.LOGISTICS)
def handle_news(slug: str, news_id: int, what: str) -> ResponseReturnValue:
    """Try news that failed again, or lay them aside."""
    found = news.news(db.session, challenge_or_404(slug).id, news_id)
    act = {"again": inbox.try_again, "dismiss": inbox.dismiss}[what]
    act(db.session, found, scope=slug, by=current_account().id, at=clock.now())
    db.session.commit()
    flash({"again": "It will be looked at again within a minute.", "dismiss": "It is laid aside."}[what])
    return redirect(url_for("kits.tracking", slug=slug))
