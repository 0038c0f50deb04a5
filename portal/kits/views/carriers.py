"""Files for carriers' programs: choose, check, export, and bring the tracking numbers back."""

from collections.abc import Sequence

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.fresh import fresh
from portal.accounts.gate import only
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Invalid, NotFound
from portal.kits import queries
from portal.kits.actions import carriers as actions
from portal.kits.actions.carriers import Order
from portal.kits.forms import CountForm
from portal.kits.forms.carriers import CarrierForm, NumbersForm, numbers_in, typed_in
from portal.kits.queries import carriers as finding
from portal.kits.rules.carriers import PROFILES, Profile
from portal.kits.rules.carriers.profile import Row
from portal.kits.rules.carriers.returns import Line, Table, Verdict, decode, read
from portal.kits.views.base import blueprint, vault

# So many rows of a file of numbers are shown: the faulty ones first.
SHOWN = 200


@blueprint.get("/staff/<slug>/shipments/carriers")
@only(Role.LOGISTICS)
def carriers(slug: str) -> ResponseReturnValue:
    """The programs, the parcels that wait for a label, and the files that were made."""
    challenge = challenge_or_404(slug)
    return render_template(
        "kits/carriers.html",
        challenge=challenge,
        profiles=PROFILES,
        waiting=len(finding.packed(db.session, challenge.id)),
        page=finding.exports(db.session, challenge.id, request.args.get("after")),
    )


def _profile(name: str) -> Profile:
    if name not in PROFILES:
        raise NotFound("program")
    return PROFILES[name]


def _page(
    challenge: Challenge, profile: Profile, form: CarrierForm, rows: Sequence[Row] | None = None, status: int = 200
) -> ResponseReturnValue:
    """The parcels to choose from, or, with `rows`, what the check says of those that were chosen."""
    parcels = finding.packed(db.session, challenge.id)
    countries = queries.countries_of(db.session, [parcel.participant_id for parcel in parcels])
    page = render_template(
        "kits/carrier.html", challenge=challenge, profile=profile, form=form, rows=rows,
        parcels={parcel.id: parcel for parcel in parcels}, countries=countries,
        ticked=numbers_in(request.form.getlist("parcel")),
    )  # fmt: skip
    return page, status


def _order(profile: Profile, form: CarrierForm, chosen: str) -> Order:
    return Order(
        profile, form.options(), numbers_in(request.form.getlist(chosen)), form.reason.data or "",
        typed_in(request.form, profile),
    )  # fmt: skip


@blueprint.route("/staff/<slug>/shipments/carriers/<profile>", methods=["GET", "POST"])
@only(Role.LOGISTICS)
@fresh
def carrier_check(slug: str, profile: str) -> ResponseReturnValue:
    """Choose parcels for a program, and see which of them do not fit, and why."""
    challenge, program = challenge_or_404(slug), _profile(profile)
    form = CarrierForm.of(program)
    if not form.validate_on_submit():
        return _page(challenge, program, form, status=422 if form.is_submitted() else 200)
    # What was checked before is checked again, whether or not it is ticked.
    order = _order(program, form, "listed" if "listed" in request.form else "parcel")
    if not order.chosen:
        form.reason.errors = ["Choose at least one parcel."]
        return _page(challenge, program, form, status=422)
    rows = actions.check_for_carrier(
        db.session, challenge, order, vault=vault(), by=current_account().id, at=clock.now()
    )
    db.session.commit()
    return _page(challenge, program, form, rows)


@blueprint.post("/staff/<slug>/shipments/carriers/<profile>/file")
@only(Role.LOGISTICS)
@fresh
def carrier_file(slug: str, profile: str) -> ResponseReturnValue:
    """The file for a program: handed out, and kept nowhere."""
    challenge, program = challenge_or_404(slug), _profile(profile)
    form = CarrierForm.of(program)
    order = _order(program, form, "parcel")
    if not form.validate() or not order.chosen:
        return _page(challenge, program, form, status=422)
    rows, file = actions.export_for_carrier(
        db.session, challenge, order, vault=vault(), by=current_account().id, at=clock.now()
    )
    db.session.commit()
    if file is None:
        return _page(challenge, program, form, rows, 422)
    kind = "application/zip" if file.name.endswith(".zip") else f"text/csv; charset={program.encoding}"
    response = Response(file.content, content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{file.name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.route("/staff/<slug>/shipments/carriers/numbers", methods=["GET", "POST"])
@only(Role.LOGISTICS)
def carrier_numbers(slug: str) -> ResponseReturnValue:
    """Bring tracking numbers back: see what would become of each row. Nothing is changed yet."""
    challenge, form = challenge_or_404(slug), NumbersForm()
    table, columns = _table(form) if form.validate_on_submit() else (None, {})
    if table is None or form.errors:
        return _numbers(challenge, form, table, status=422 if form.is_submitted() else 200)
    lines = actions.check_numbers(db.session, challenge, table, columns, form.carrier.data or "")
    return _numbers(challenge, form, table, lines)


@blueprint.post("/staff/<slug>/shipments/carriers/numbers/take")
@only(Role.LOGISTICS)
def take_numbers(slug: str) -> ResponseReturnValue:
    """Label the parcels of the good rows."""
    challenge, form = challenge_or_404(slug), NumbersForm()
    table, columns = _table(form) if form.validate() else (None, {})
    if table is None or form.errors:
        return _numbers(challenge, form, table, status=422)
    told = CountForm()
    told.validate()
    lines = actions.take_numbers(
        db.session, challenge, table, columns, form.carrier.data or "", seen=told.count.data,
        skip_faulty=request.form.get("skip") == "y", by=current_account().id, at=clock.now(),
    )  # fmt: skip
    db.session.commit()
    counts = _counts(lines)
    labelled, already, skipped = (counts[verdict] for verdict in (Verdict.GOOD, Verdict.ALREADY, Verdict.FAULTY))
    words = [_said(labelled, "parcel is", "parcels are", "labelled") if labelled else "Nothing was changed."]
    words += [_said(already, "parcel had its", "parcels had their", "number already")] if already else []
    words += [_said(skipped, "faulty row was", "faulty rows were", "skipped")] if skipped else []
    flash(" ".join(words))
    return redirect(url_for("kits.carriers", slug=slug))


def _said(count: int, one: str, several: str, what: str) -> str:
    return f"{count} {one if count == 1 else several} {what}."


def _table(form: NumbersForm) -> tuple[Table | None, dict[str, int]]:
    """What was sent as a table, and which column is what; what is wrong with it stands at the form's fields."""
    sent = request.files.get("file")
    text = decode(sent.read()) if sent and sent.filename else form.written
    form.text.data = text
    try:
        table = read(text)
    except Invalid as problem:
        form.text.errors = [problem.messages["text"]]
        return None, {}
    return table, form.columns(table)


def _counts(lines: Sequence[Line]) -> dict[Verdict, int]:
    return {verdict: sum(line.verdict is verdict for line in lines) for verdict in Verdict}


def _numbers(
    challenge: Challenge, form: NumbersForm, table: Table | None, lines: Sequence[Line] = (), status: int = 200
) -> ResponseReturnValue:
    order = list(reversed(Verdict))
    shown = sorted(lines, key=lambda line: (order.index(line.verdict), not line.words, line.line))[:SHOWN]
    page = render_template(
        "kits/carrier_numbers.html", challenge=challenge, form=form, table=table, lines=lines, shown=shown,
        counts={verdict.name.lower(): count for verdict, count in _counts(lines).items()},
    )  # fmt: skip
    return page, status
