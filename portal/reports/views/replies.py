"""Reply templates: general words with a reason code, for leads and triagers."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.reports.actions import replies as actions
from portal.reports.forms import TemplateForm
from portal.reports.models import ReplyTemplate
from portal.reports.queries import threads as queries
from portal.reports.views import blueprint


def _page(challenge: Challenge, form: TemplateForm, changed: ReplyTemplate | None = None) -> str:
    return render_template(
        "reports/templates.html", challenge=challenge, form=form, changed=changed,
        templates=queries.templates(db.session, challenge.id),
        given=queries.reasons_given(db.session, challenge.id, reader=current_account().id),
    )  # fmt: skip


@blueprint.route("/staff/<slug>/reports/templates", methods=["GET", "POST"])
@only(Role.TRIAGER, Role.LEAD)
def templates(slug: str) -> ResponseReturnValue:
    """The templates, and a new one."""
    challenge, form = challenge_or_404(slug), TemplateForm()
    if not form.validate_on_submit():
        return _page(challenge, form), 422 if form.errors else 200
    by, at = current_account().id, clock.now()
    made = actions.add_template(db.session, challenge.id, slug, form.code.data or "", form.words(), by=by, at=at)
    db.session.commit()
    flash(f"“{made.title}” is there.")
    return redirect(url_for("reports.templates", slug=slug))


@blueprint.post("/staff/<slug>/reports/usual-templates")
@only(Role.TRIAGER, Role.LEAD)
def usual_templates(slug: str) -> ResponseReturnValue:
    """Add the usual ones that are missing."""
    challenge = challenge_or_404(slug)
    added = actions.add_defaults(db.session, challenge.id, slug, by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"{added} added." if added else "All the usual ones are there.")
    return redirect(url_for("reports.templates", slug=slug))


@blueprint.route("/staff/<slug>/reports/templates/<code>", methods=["GET", "POST"])
@only(Role.TRIAGER, Role.LEAD)
def reply_template(slug: str, code: str) -> ResponseReturnValue:
    """Change one template."""
    challenge = challenge_or_404(slug)
    found = queries.template_of(db.session, challenge.id, code)
    form = TemplateForm(obj=found)
    form.code.data = found.code
    if not form.validate_on_submit():
        return _page(challenge, form, found), 422 if form.errors else 200
    by, at = current_account().id, clock.now()
    actions.change_template(db.session, slug, found, form.version.data or 0, form.words(), by=by, at=at)
    db.session.commit()
    flash(f"“{found.title}” is saved.")
    return redirect(url_for("reports.templates", slug=slug))
