"""Payments, and the files for the bank."""

from collections.abc import Iterable

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.current import current_account
from portal.accounts.gate import my_roles, only
from portal.accounts.states import Role
from portal.awards import actions, queries, states
from portal.awards.forms import PaymentForm
from portal.awards.models import BatchLine, Payment
from portal.awards.rules import bank
from portal.awards.states import PaymentState
from portal.awards.views import blueprint
from portal.challenges.access import challenge_or_404
from portal.challenges.models import Challenge
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Forbidden
from portal.core.moves import move_named, open_moves
from portal.core.web import csv_response

CSV_HEADER = (
    *bank.HEADER, "state", "since", "due_at", "sent_at", "reference", "paid_at", "donated_to", "reason",
)  # fmt: skip


@blueprint.get("/staff/<slug>/awards/payments")
@only(Role.LEAD, Role.FINANCE)
def payments(slug: str) -> ResponseReturnValue:
    """The money: where it is, whether the books are even, what is to be done."""
    challenge, now, me = challenge_or_404(slug), clock.now(), current_account().id
    state, after = request.args.get("state") or "due", request.args.get("after")
    return render_template(
        "awards/payments.html",
        challenge=challenge,
        state=state,
        page=queries.payments(db.session, challenge.id, state, after, at=now, reader=me),
        sums=queries.sums(db.session, challenge.id),
        listed=queries.sums(db.session, challenge.id, reader=me),
        books=queries.books(db.session, challenge.id),
        batches=queries.batches(db.session, challenge.id),
        held=queries.held(db.session, challenge.id, reader=me),
    )


def _row(payment: Payment) -> tuple[object, ...]:
    award = payment.award
    return (
        payment.name, payment.batch.reference if payment.batch else "", payment.account.name, payment.account.email,
        award.reference, award.report.ref, f"{payment.amount:.2f}", payment.currency,
    )  # fmt: skip


@blueprint.get("/staff/<slug>/awards/payments.csv")
@only(Role.LEAD, Role.FINANCE)
def payments_csv(slug: str) -> ResponseReturnValue:
    """The payments that the list shows, with what became of them. It marks nothing as sent."""
    challenge, state = challenge_or_404(slug), request.args.get("state") or "all"
    found = queries.all_payments(db.session, challenge.id, state, at=clock.now(), reader=current_account().id)
    rows = (
        (
            *_row(payment), payment.state, payment.state_since, payment.due_at, payment.sent_at, payment.reference,
            payment.paid_at, payment.donated_to, payment.outcome,
        )
        for payment in found
    )  # fmt: skip
    return csv_response(f"{slug}-payments.csv", CSV_HEADER, rows)


def _payment(challenge: Challenge, payment_id: int) -> Payment:
    return queries.payment(db.session, challenge.id, payment_id, reader=current_account().id)


def _payment_page(slug: str, payment: Payment, bound: dict[str, PaymentForm], status: int) -> ResponseReturnValue:
    moves = open_moves(states.PAYMENT_MOVES, payment.state, my_roles(slug))
    page = render_template(
        "awards/payment.html",
        challenge=payment.challenge,
        payment=payment,
        steps={payment.id: [(move, bound.get(move.name) or PaymentForm.of(move, payment)) for move in moves]},
    )
    return page, status


@blueprint.get("/staff/<slug>/awards/payments/<int:payment_id>")
@only(Role.LEAD, Role.FINANCE)
def payment(slug: str, payment_id: int) -> ResponseReturnValue:
    """One payment and what can be done with it."""
    found = _payment(challenge_or_404(slug), payment_id)
    return _payment_page(slug, found, {}, 200)


@blueprint.post("/staff/<slug>/awards/payments/<int:payment_id>/<name>")
@only(Role.LEAD, Role.FINANCE)
def step(slug: str, payment_id: int, name: str) -> ResponseReturnValue:
    """Note what became of a payment."""
    challenge, move = challenge_or_404(slug), move_named(states.PAYMENT_MOVES, name)
    found = _payment(challenge, payment_id)
    if not move.by & my_roles(slug):
        raise Forbidden(f"“{move.label}” is for other roles than yours.")
    form = PaymentForm.of(move, found)
    if not form.validate():
        return _payment_page(slug, found, {move.name: form}, 422)
    actions.step(db.session, found, move, **form.given(), by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"{found.name} is {found.state}.")
    if request.form.get("back") == "award":
        return redirect(url_for("awards.show", slug=slug, award_id=found.award_id))
    return redirect(url_for("awards.payment", slug=slug, payment_id=found.id))


@blueprint.post("/staff/<slug>/awards/batches")
@only(Role.FINANCE)
def export(slug: str) -> ResponseReturnValue:
    """Put all that is due into a file for the bank."""
    batch = actions.export(db.session, challenge_or_404(slug), by=current_account().id, at=clock.now())
    db.session.commit()
    flash(f"{batch.reference} is made: its payments count as sent. Download the file for the bank.")
    return redirect(url_for("awards.batch", slug=slug, number=batch.number))


@blueprint.get("/staff/<slug>/awards/batches/<int:number>")
@only(Role.LEAD, Role.FINANCE)
def batch(slug: str, number: int) -> ResponseReturnValue:
    """What stood in a file for the bank, and what became of it."""
    challenge, me = challenge_or_404(slug), current_account().id
    found = queries.batch(db.session, challenge.id, number)
    lines = queries.batch_lines(db.session, found.id, reader=me)
    return render_template(
        "awards/batch.html", challenge=challenge, batch=found, lines=lines,
        total=sum(line.amount for line in lines), waiting=_waiting(lines, found.id),
        holds_own=queries.holds_own(db.session, found, me),
    )  # fmt: skip


def _waiting(lines: Iterable[BatchLine], batch_id: int) -> int:
    return sum(line.payment.state is PaymentState.SENT and line.payment.batch_id == batch_id for line in lines)


@blueprint.get("/staff/<slug>/awards/batches/<int:number>.csv")
@only(Role.FINANCE)
def batch_csv(slug: str, number: int) -> ResponseReturnValue:
    """The file for the bank, always the same: what was in it may have failed and gone into another since.

    Whoever is paid by it does not take it to the bank.
    """
    challenge, me = challenge_or_404(slug), current_account().id
    found = queries.batch(db.session, challenge.id, number)
    if queries.holds_own(db.session, found, me):
        raise Forbidden(f"{found.reference} pays a participant to whom you belong. Somebody else takes it to the bank.")
    rows = (
        (line.payment.name, found.reference, *_row(line.payment)[2:6], f"{line.amount:.2f}", line.payment.currency)
        for line in queries.batch_lines(db.session, found.id, reader=me)
    )
    return csv_response(f"{slug}-{found.reference}.csv", bank.HEADER, rows)
