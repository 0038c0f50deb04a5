"""What may be sent where: the operator's policies."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import my_roles, only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Invalid
from portal.core.web import csv_response
from portal.kits import postal
from portal.kits.actions import policy as actions
from portal.kits.forms.policy import PoliciesForm, PolicyForm
from portal.kits.models import CountryPolicy
from portal.kits.queries import policy as queries
from portal.kits.rules import policy as rules
from portal.kits.views.base import blueprint


def _list(
    challenge: Challenge, form: PolicyForm, file_form: PoliciesForm | None = None, status: int = 200
) -> ResponseReturnValue:
    text, at = request.args.get("q", "").replace("\0", "").strip()[:80], clock.now()
    page = render_template(
        "kits/policies.html", challenge=challenge, form=form, file_form=file_form or PoliciesForm(formdata=None),
        page=queries.policies(db.session, challenge.id, text, request.args.get("after")), text=text,
        reach=rules.reach(queries.in_force(db.session, challenge.id, at.date())), today=at.date(),
        country_name=postal.country_name, columns=rules.COLUMNS, may_edit=_may_edit(challenge.slug),
        logistics=Role.LOGISTICS in my_roles(challenge.slug),
        waiting=queries.count_outdated(db.session, challenge.id, queries.mark(db.session, challenge.id, at.date())),
    )  # fmt: skip
    return page, status


def _may_edit(slug: str) -> bool:
    return bool({Role.LOGISTICS, Role.ADMIN} & set(my_roles(slug)))


def _blank() -> PolicyForm:
    return PolicyForm(formdata=None, data={"valid_from": clock.now().date()})


@blueprint.get("/staff/<slug>/shipments/policy")
@only(Role.LOGISTICS, Role.ADMIN, Role.LEAD)
def policies(slug: str) -> ResponseReturnValue:
    """What stands, by country."""
    return _list(challenge_or_404(slug), _blank())


@blueprint.post("/staff/<slug>/shipments/policy")
@only(Role.LOGISTICS, Role.ADMIN)
def add_policy(slug: str) -> ResponseReturnValue:
    """Write a policy; one for the same country and region is replaced."""
    challenge, form = challenge_or_404(slug), PolicyForm()
    if not form.validate():
        return _list(challenge, form, status=422)
    made = actions.write_policy(db.session, challenge, form.spec(), by=current_account().id, at=clock.now())
    return _done(slug, f"{_named(made)}: {made.verdict}.")


def _named(policy: CountryPolicy) -> str:
    return ", ".join(part for part in (postal.country_name(policy.country), policy.region) if part)


def _done(slug: str, words: str) -> ResponseReturnValue:
    db.session.commit()
    flash(f"{words} Addresses are held against it within seconds.")
    return redirect(url_for("kits.policies", slug=slug))


@blueprint.route("/staff/<slug>/shipments/policy/<int:policy_id>", methods=["GET", "POST"])
@only(Role.LOGISTICS, Role.ADMIN)
def change_policy(slug: str, policy_id: int) -> ResponseReturnValue:
    """Replace a policy by another one."""
    challenge, form = challenge_or_404(slug), PolicyForm()
    found = queries.policy(db.session, challenge.id, policy_id)
    if request.method == "GET":
        form = PolicyForm(formdata=None)
        form.show(found)
    if not form.validate_on_submit():
        page = render_template("kits/policy.html", challenge=challenge, form=form, policy=found, name=_named(found))
        return page, 422 if form.is_submitted() else 200
    made = actions.write_policy(
        db.session, challenge, form.spec(), by=current_account().id, at=clock.now(), instead_of=found
    )
    return _done(slug, f"{_named(made)}: {made.verdict}.")


@blueprint.post("/staff/<slug>/shipments/policy/<int:policy_id>/end")
@only(Role.LOGISTICS, Role.ADMIN)
def end_policy(slug: str, policy_id: int) -> ResponseReturnValue:
    """Let a policy count no longer."""
    challenge = challenge_or_404(slug)
    found = queries.policy(db.session, challenge.id, policy_id)
    actions.end_policy(db.session, challenge, found, by=current_account().id, at=clock.now())
    return _done(slug, f"{_named(found)} has no policy of its own any more.")


@blueprint.get("/staff/<slug>/shipments/policy/history")
@only(Role.LOGISTICS, Role.ADMIN, Role.LEAD)
def policy_history(slug: str) -> ResponseReturnValue:
    """All that was ever decided, the newest first."""
    challenge, country = challenge_or_404(slug), request.args.get("country", "")[:2]
    return render_template(
        "kits/policy_history.html", challenge=challenge, country=country, country_name=postal.country_name,
        rows=queries.history(db.session, challenge.id, country),
    )  # fmt: skip


@blueprint.get("/staff/<slug>/shipments/policy.csv")
@only(Role.LOGISTICS, Role.ADMIN, Role.LEAD)
def policies_csv(slug: str) -> ResponseReturnValue:
    """What stands, as a table that can be brought in again."""
    rows = queries.all_policies(db.session, challenge_or_404(slug).id)
    return csv_response(f"{slug}-policies.csv", rules.COLUMNS, (rules.cells_of(actions.spec_of(row)) for row in rows))


@blueprint.post("/staff/<slug>/shipments/policy/import")
@only(Role.LOGISTICS, Role.ADMIN)
def import_policies(slug: str) -> ResponseReturnValue:
    """Write the policies of a table: all of them, or those that are good if the person says so."""
    challenge, form = challenge_or_404(slug), PoliciesForm()
    sent = request.files.get("file")
    data = sent.read(rules.LARGEST + 1) if sent else b""
    if sent:
        sent.close()
    try:
        if not data or len(data) > rules.LARGEST:
            raise Invalid({"file": "Choose a file." if not data else "The file is too large."})
        sheet = rules.read_sheet(data)
    except Invalid as problem:
        form.file.errors = [problem.messages["file"]]
        return _list(challenge, _blank(), form, 422)
    if not sheet.good or (sheet.faults and not form.skip.data):
        form.file.errors = list(sheet.faults) or ["There is no row in it."]
        return _list(challenge, _blank(), form, 422)
    done = actions.import_policies(
        db.session, challenge, [spec for _, spec in sheet.good], by=current_account().id, at=clock.now()
    )
    skipped = f", {len(sheet.faults)} faulty skipped" if sheet.faults else ""
    return _done(slug, f"{done.added} added, {done.replaced} replaced, {done.same} as before{skipped}.")
