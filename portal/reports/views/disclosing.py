"""The hour from which a report may be spoken of: both sides' page, and the calendar of embargoes."""

from datetime import datetime
from typing import Any, NamedTuple

from flask import Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import my_roles, only, signed_in
from portal.accounts.states import Role
from portal.challenges.access import challenge_or_404, member_or_404
from portal.challenges.models import Challenge, Member
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Invalid, NotFound
from portal.reports import embargoes
from portal.reports.actions import disclosing as actions
from portal.reports.actions import publications
from portal.reports.forms.disclosing import AnswerForm, CreditForm, DateForm
from portal.reports.models import Disclosure, Report
from portal.reports.queries import disclosing as queries
from portal.reports.queries import publications as credits
from portal.reports.queries import reports
from portal.reports.rules import disclosing as rules
from portal.reports.states import Side
from portal.reports.views import blueprint, shapes

shapes.SAID.update(
    {
        "propose-date": "A date for disclosure is proposed",
        "propose-another-date": "Another date for disclosure is proposed",
        "agree-on-date": "Agreed on the date of disclosure",
        "date-stands": "Nobody has answered: the proposed date stands",
        "decline-date": "The proposed date is declined",
        "withdraw-date": "The proposed date is withdrawn",
        "date-void": "The agreed date no longer holds, since the fix does not",
        "disclose": "The embargo is over",
        "give-credit": "Somebody wants to be thanked for it",
        "take-credit-back": "Somebody no longer wants to be thanked for it",
    }
)


class Panel(NamedTuple):
    """What a report's page shows of its date."""

    live: Disclosure | None
    state: str
    possible: bool
    url: str


def panel(challenge: Challenge, report: Report, side: Side, at: datetime) -> Panel:
    """The panel of a report's page."""
    found = queries.live(db.session, report.id)
    page = "reports.disclosure" if side is Side.RESEARCHER else "reports.staff_disclosure"
    state = rules.shown_state(found, queries.theirs_on(db.session, report), at) if found else ""
    return Panel(found, state, rules.may_ask(report), url_for(page, slug=challenge.slug, ref=report.ref))


class Desk(NamedTuple):
    """Who speaks about which report, and where their page is."""

    challenge: Challenge
    report: Report
    side: Side
    member: Member | None = None
    lead: bool = False

    @property
    def url(self) -> str:
        """The page."""
        return panel(self.challenge, self.report, self.side, clock.now()).url

    @property
    def answer_url(self) -> str:
        """Where answers go."""
        name = "reports.answer_date" if self.side is Side.RESEARCHER else "reports.staff_answer_date"
        return url_for(name, slug=self.challenge.slug, ref=self.report.ref)


def _researcher(slug: str, ref: str) -> Desk:
    member = member_or_404(slug)
    return Desk(
        member.participant.challenge, reports.own(db.session, member.participant_id, ref), Side.RESEARCHER, member
    )


def _team(slug: str, ref: str) -> Desk:
    challenge = challenge_or_404(slug)
    lead = Role.LEAD in my_roles(slug)
    return Desk(challenge, reports.of_challenge(db.session, challenge.id, ref), Side.TEAM, lead=lead)


def _page(
    desk: Desk, form: DateForm | None = None, answer: AnswerForm | None = None, thanks: CreditForm | None = None,
    status: int = 200,
) -> ResponseReturnValue:  # fmt: skip
    at, report = clock.now(), desk.report
    found, theirs = queries.live(db.session, report.id), queries.theirs_on(db.session, report)
    waiting = found.pending if found else None
    context: dict[str, Any] = {
        "challenge": desk.challenge,
        "report": report,
        "desk": desk,
        "disclosure": found,
        "state": rules.shown_state(found, theirs, at) if found else "",
        "open": rules.open_to_all(found, theirs, at),
        "theirs": theirs,
        "waiting": waiting,
        "mine": waiting is not None and waiting.side is desk.side,
        "early": waiting is not None and not rules.fixed_by(report, waiting.instant, desk.challenge.zone),
        "stands_from": rules.stands_from(report, found, waiting) if found and waiting else None,
        "history": queries.history(db.session, report.id),
        "form": form or DateForm(formdata=None, data={"zone": current_account().zone}),
        "answer": answer or AnswerForm(formdata=None),
        "possible": rules.may_ask(report),
    }
    if desk.member is not None:
        context |= _thanks(desk.member, report, thanks)
    page = "reports/disclosure.html" if desk.side is Side.RESEARCHER else "reports/staff_disclosure.html"
    return render_template(page, **context), status


def _thanks(member: Member, report: Report, form: CreditForm | None) -> dict[str, Any]:
    given = credits.credit_of(db.session, report.id, member.id)
    values = (
        {"kind": given.kind.value, "name": given.name, "url": given.url} if given else {"name": member.account.name}
    )
    return {"given": given, "credit_form": form or CreditForm(formdata=None, data=values)}


def _propose(desk: Desk) -> ResponseReturnValue:
    form = DateForm()
    if not form.validate_on_submit():
        return _page(desk, form, status=422)
    try:
        actions.propose(db.session, desk.report, form.proposal(), desk.side, by=current_account().id, at=clock.now())
    except Invalid as problem:
        db.session.rollback()
        for name, text in problem.messages.items():
            form[name].errors = [text]
        return _page(desk, form, status=422)
    db.session.commit()
    flash("The date is proposed. The other side answers.")
    return redirect(desk.url)


def _answer(desk: Desk) -> ResponseReturnValue:
    form, by, at = AnswerForm(), current_account().id, clock.now()
    number = str(form.number.data or "")
    if not form.validate_on_submit() or not number.isdecimal() or len(number) > 6:
        return _page(desk, answer=form, status=422)
    found = queries.proposal_of(db.session, desk.report.id, int(number))
    try:
        if form.answer.data == "accept":
            early = bool(form.without_fix.data)
            actions.accept(db.session, desk.report, found, desk.side, without_fix=early, by=by, at=at)
        elif form.answer.data == "decline":
            actions.decline(db.session, desk.report, found, desk.side, form.reason.data or "", by=by, at=at)
        elif form.answer.data == "stand" and desk.lead:
            actions.let_stand(db.session, desk.report, found, by=by, at=at)
        elif form.answer.data == "withdraw":
            actions.withdraw(db.session, desk.report, found, desk.side, by=by, at=at)
        else:
            raise NotFound("answer")
    except Invalid as problem:
        db.session.rollback()
        for name, text in problem.messages.items():
            form[name if name in form else "answer"].errors = [text]
        return _page(desk, answer=form, status=422)
    db.session.commit()
    flash("The other side is told." if form.answer.data != "withdraw" else "The date is withdrawn.")
    return redirect(desk.url)


@blueprint.route("/challenges/<slug>/reports/<ref>/disclosure", methods=["GET", "POST"])
@signed_in
def disclosure(slug: str, ref: str) -> ResponseReturnValue:
    """The researcher's side: where it stands; a date is proposed here."""
    desk = _researcher(slug, ref)
    return _propose(desk) if DateForm().is_submitted() else _page(desk)


@blueprint.post("/challenges/<slug>/reports/<ref>/disclosure/answer")
@signed_in
def answer_date(slug: str, ref: str) -> ResponseReturnValue:
    """The researcher answers the team's date, or withdraws one of theirs."""
    return _answer(_researcher(slug, ref))


@blueprint.post("/challenges/<slug>/reports/<ref>/credit")
@signed_in
def give_credit(slug: str, ref: str) -> ResponseReturnValue:
    """A member wants to be thanked for a report, or for all of theirs."""
    desk, form = _researcher(slug, ref), CreditForm()
    assert desk.member is not None
    if not form.validate_on_submit():
        return _page(desk, thanks=form, status=422)
    chosen = [desk.report]
    if form.everywhere.data:
        chosen = [each for each in reports.of_participant(db.session, desk.member.participant_id) if each.received_at]
    for report in chosen:
        publications.thank(db.session, report, desk.member, form.thanks(), at=clock.now())
    db.session.commit()
    flash("You will be thanked so. You can take it back at any time.")
    return redirect(desk.url + "#thanks")


@blueprint.post("/challenges/<slug>/reports/<ref>/credit/withdraw")
@signed_in
def withdraw_credit(slug: str, ref: str) -> ResponseReturnValue:
    """A member does not want to be thanked for it any more."""
    desk = _researcher(slug, ref)
    assert desk.member is not None
    publications.thank_no_more(db.session, desk.report, desk.member, at=clock.now())
    db.session.commit()
    flash("Your name is off every page and file.")
    return redirect(desk.url + "#thanks")


@blueprint.route("/staff/<slug>/reports/<ref>/disclosure", methods=["GET", "POST"])
@only(Role.TRIAGER, Role.LEAD)
def staff_disclosure(slug: str, ref: str) -> ResponseReturnValue:
    """The team's side."""
    desk = _team(slug, ref)
    return _propose(desk) if DateForm().is_submitted() else _page(desk)


@blueprint.post("/staff/<slug>/reports/<ref>/disclosure/answer")
@only(Role.TRIAGER, Role.LEAD)
def staff_answer_date(slug: str, ref: str) -> ResponseReturnValue:
    """The team answers the researcher's date, or withdraws one of its own."""
    return _answer(_team(slug, ref))


@blueprint.get("/staff/<slug>/disclosures")
@only(Role.TRIAGER, Role.LEAD)
def disclosures(slug: str) -> ResponseReturnValue:
    """Every date of a challenge: what waits for an answer, what is under embargo, what is over."""
    challenge, at = challenge_or_404(slug), clock.now()
    rows = queries.calendar(db.session, challenge.id, reader=current_account().id)
    others = queries.theirs(db.session, [each.report_id for each in rows])
    shown = [(each, each.report, rules.shown_state(each, others.get(each.report_id), at)) for each in rows]
    return render_template("reports/disclosures.html", challenge=challenge, rows=shown)


@blueprint.get("/staff/<slug>/disclosures.ics")
@only(Role.TRIAGER, Role.LEAD)
def disclosures_ics(slug: str) -> ResponseReturnValue:
    """The agreed hours as a calendar: references, nothing of what was found."""
    challenge = challenge_or_404(slug)
    rows = queries.calendar(db.session, challenge.id, reader=current_account().id)
    text = embargoes.calendar(rows, slug, url_for("home.landing", _external=True))
    response = Response(text, mimetype="text/calendar")
    response.headers["Content-Disposition"] = f'attachment; filename="{slug}-embargoes.ics"'
    return response
