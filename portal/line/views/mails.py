"""The mails that came in: which need a look, and what became of the others."""

from flask import current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.challenges.access import challenge_or_404
from portal.core import clock
from portal.core.db import db
from portal.core.mail import config_of
from portal.line.actions import desk
from portal.line.queries import incoming
from portal.line.states import TEAM
from portal.line.views import blueprint

BASE = "/staff/<slug>/line/mail"


@blueprint.get(BASE)
@only(*TEAM)
def mail(slug: str) -> ResponseReturnValue:
    """Mails under a participant's address that somebody else sent, and counts of all others."""
    challenge, config, me = challenge_or_404(slug), config_of(current_app), current_account().id
    return render_template(
        "line/mail.html", challenge=challenge, strange=incoming.to_look_at(db.session, challenge, reader=me),
        counts=incoming.counts(db.session, challenge, reader=me),
        lately=incoming.lately(db.session, challenge, reader=me),
        address=config.line_address, reads=config.imap_url is not None,
    )  # fmt: skip


@blueprint.post(f"{BASE}/<int:incoming_id>/handled")
@only(*TEAM)
def handled(slug: str, incoming_id: int) -> ResponseReturnValue:
    """Note that somebody has looked after one."""
    challenge = challenge_or_404(slug)
    found = incoming.strange(db.session, challenge, incoming_id, reader=current_account().id)
    desk.handle_mail(db.session, challenge, found, by=current_account().id, at=clock.now())
    db.session.commit()
    flash("Noted; the address is forgotten.")
    return redirect(url_for("line.mail", slug=slug))
