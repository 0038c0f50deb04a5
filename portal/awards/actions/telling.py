"""The audit of awards and payments, and the mails about them."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.accounts.queries import holders
from portal.accounts.states import Role
from portal.awards import queries
from portal.awards.models import Award, Payment
from portal.core import audit, outbox


def record(
    session: Session, award: Award, verb: str, *, by: int, at: datetime, before: Mapping[str, object] | None = None,
    after: Mapping[str, object], reason: str | None = None,
) -> None:  # fmt: skip
    """Note what was done with an award."""
    audit.record(
        session, f"awards:{verb}", f"award:{award.id}", by=by, at=at, scope=award.challenge.slug, before=before,
        after=after, reason=reason,
    )  # fmt: skip


def record_payment(
    session: Session, payment: Payment, verb: str, slug: str, *, by: int, at: datetime,
    before: Mapping[str, object] | None = None, after: Mapping[str, object], reason: str | None = None,
) -> None:  # fmt: skip
    """Note what was done with a payment."""
    audit.record(
        session, f"awards:payment-{verb}", f"payment:{payment.id}", by=by, at=at, scope=slug, before=before,
        after=after, reason=reason,
    )  # fmt: skip


def _post(session: Session, award: Award, template: str, people: Iterable[Account], key: str, *, at: datetime) -> None:
    """A mail to each: the reference of the report, and neither its title nor the amount, as others can read mails."""
    challenge = award.challenge
    context = {"challenge": challenge.title, "slug": challenge.slug, "ref": award.report.ref, "award": award.id}
    for account in people:
        unique = f"award:{award.id}:{key}:{account.id}"
        outbox.post(session, f"awards/{template}", to=account.email, key=unique, at=at, context=context)


def tell_judges(session: Session, award: Award, *, by: int, at: datetime) -> None:
    """Tell those who may approve it: neither whoever proposed it, nor anybody with a conflict of interest."""
    slug = award.challenge.slug
    found = [*holders(session, Role.TRIAGER, slug), *holders(session, Role.LEAD, slug)]
    barred = {each.id for each in found if queries.conflict_of(session, award.participant_id, each.id)}
    people = {account.id: account for account in found if account.id not in {by, *barred}}
    _post(session, award, "proposed", people.values(), "proposed", at=at)


def tell_proposer(session: Session, award: Award, key: str, *, at: datetime) -> None:
    """Tell whoever proposed it that it came back."""
    if award.proposed_by.active:
        _post(session, award, "returned", [award.proposed_by], key, at=at)


def tell_participant(session: Session, award: Award, *, at: datetime) -> None:
    """Tell every member that there is news."""
    people = [member.account for member in queries.team(session, award.participant_id)]
    _post(session, award, "news", people, "approve", at=at)


def tell_payee(session: Session, payment: Payment, verb: str, *, at: datetime) -> None:
    """Tell the member that there is news about their money."""
    if payment.account.active:
        # The same may happen again to a payment that failed.
        key = f"payment:{payment.id}:{verb}:{at.isoformat()}"
        _post(session, payment.award, "news", [payment.account], key, at=at)
