"""The staff's way in, their queues, and the engine room: jobs, mail, audit."""

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

import portal.challenges.queries as challenges
from portal.accounts.current import current_account
from portal.accounts.gate import my_grants, my_roles, only
from portal.accounts.states import EVERYWHERE, Role
from portal.challenges.access import challenge_or_404
from portal.core import clock
from portal.core.db import db
from portal.core.errors import NotFound
from portal.core.mail import config_of
from portal.home import actions, queries, rooms
from portal.home.letters import letter
from portal.home.views import blueprint


@blueprint.get("/staff/")
@only(*Role, anywhere=True)
def staff_challenges() -> ResponseReturnValue:
    """The challenges in which one has a role."""
    grants = my_grants()
    rows = [
        (challenge, sorted(my_roles(challenge.slug)))
        for challenge in challenges.challenges(db.session)
        if EVERYWHERE in grants or challenge.slug in grants
    ]
    return render_template("home/staff_challenges.html", rows=rows)


@blueprint.get("/staff/<slug>/")
@only(*Role)
def staff(slug: str) -> ResponseReturnValue:
    """What waits, and since when."""
    challenge, roles = challenge_or_404(slug), my_roles(slug)
    queues = rooms.queues(db.session, challenge, current_account(), roles, clock.now())
    return render_template("home/staff.html", challenge=challenge, queues=queues, mine=sorted(roles))


@blueprint.get("/staff/jobs")
@only(Role.ADMIN)
def jobs() -> ResponseReturnValue:
    """How the last run of each job went, and whether anybody ticks."""
    return render_template("home/jobs.html", runs=queries.job_runs(db.session))


@blueprint.get("/staff/mail")
@only(Role.ADMIN)
def mail() -> ResponseReturnValue:
    """The outbox. In a demonstration every member of the staff may read it, and the mails too (see home.context)."""
    asked = request.args
    page = queries.mails(db.session, asked.get("state", ""), asked.get("to", "").strip(), asked.get("after"))
    letters = {row.id: letter(row, config_of(current_app)) for row in page.rows}
    return render_template("home/mail.html", page=page, counts=queries.mail_counts(db.session), letters=letters)


@blueprint.get("/staff/mail/<int:mail_id>")
@only(Role.ADMIN)
def show_mail(mail_id: int) -> ResponseReturnValue:
    """A mail of a demonstration, as its reader would see it."""
    row = queries.mail(db.session, mail_id)
    found = letter(row, config_of(current_app))
    if found is None:
        raise NotFound("mail")
    return render_template("home/letter.html", mail=row, letter=found)


@blueprint.post("/staff/mail/<int:mail_id>/send-again")
@only(Role.ADMIN)
def send_again(mail_id: int) -> ResponseReturnValue:
    """Try a dead letter again."""
    row = queries.mail(db.session, mail_id)
    actions.send_again(db.session, row, by=current_account().id, at=clock.now())
    db.session.commit()
    flash("It goes out with the next delivery.")
    return redirect(url_for("home.mail", state="failed"))


@blueprint.get("/staff/audit")
@only(Role.ADMIN)
def audit() -> ResponseReturnValue:
    """What was done, by whom, the latest first."""
    scope, subject = request.args.get("scope", "").strip(), request.args.get("subject", "").strip()
    page = queries.audit_entries(db.session, scope, subject, request.args.get("after"))
    return render_template(
        "home/audit.html", page=page, actors=queries.actors(db.session, page.rows),
        challenges=challenges.challenges(db.session), scope=scope, subject=subject,
    )  # fmt: skip
