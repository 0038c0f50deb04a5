"""What a wave would send and to whom, and which mails about applications did not arrive."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal.accounts.models import Account
from portal.applications.models import Application
from portal.applications.states import RELEASES, Decision
from portal.challenges.models import Challenge
from portal.core.errors import NotFound
from portal.core.outbox import MailState, OutgoingMail
from portal.core.paging import Page, keyset
from portal.selection.models import Wave, WaveEntry, WaveLetter
from portal.selection.states import EntryState
from portal.selection.supply import Shipping

_KIND = "application:"
_WHOLE = (joinedload(WaveEntry.application).joinedload(Application.account),)


def entry(session: Session, wave_id: int, entry_id: int) -> WaveEntry:
    """One answer of a wave. Raises NotFound."""
    rows = sa.select(WaveEntry).where(WaveEntry.wave_id == wave_id, WaveEntry.id == entry_id).options(*_WHOLE)
    found = session.scalars(rows).one_or_none()
    if found is None:
        raise NotFound("answer")
    return found


def neighbours(session: Session, entry: WaveEntry) -> tuple[int | None, int | None]:
    """The answers before and after one, in the order of `answering.entries`."""
    place = sa.tuple_(WaveEntry.decision, WaveEntry.id)
    here = sa.tuple_(sa.literal(entry.decision, WaveEntry.decision.type), sa.literal(entry.id))
    rows = sa.select(WaveEntry.id).where(WaveEntry.wave_id == entry.wave_id).limit(1)
    before = rows.where(place < here).order_by(WaveEntry.decision.desc(), WaveEntry.id.desc())
    after = rows.where(place > here).order_by(WaveEntry.decision, WaveEntry.id)
    return session.scalars(before).one_or_none(), session.scalars(after).one_or_none()


class Unsure(NamedTuple):
    """How many of a wave's invitations that are to go out come with a kit that cannot go there, or may not."""

    review: int
    blocked: int


def unsure(session: Session, wave: Wave, known: Shipping) -> Unsure:
    """Invitations by what is known against sending kits to their countries; at most one statement.

    Whoever needs no kit is sent none, so nothing stands against it.
    """
    if not (known.blocked or known.review):
        return Unsure(0, 0)
    rows = session.execute(
        sa.select(Application.country, sa.func.count())
        .join(WaveEntry, WaveEntry.application_id == Application.id)
        .where(
            WaveEntry.wave_id == wave.id, WaveEntry.decision == Decision.INVITE,
            WaveEntry.state == EntryState.PENDING, Application.needs_kit,
        )
        .group_by(Application.country)
    ).all()  # fmt: skip
    told = [(known.to(country), count) for country, count in rows]
    return Unsure(*(sum(count for word, count in told if word == name) for name in Unsure._fields))


class Doubts(NamedTuple):
    """How many of a wave's pending answers would be skipped, and how many people would not be written to."""

    changed: int
    silent: int


def doubts(session: Session, wave: Wave) -> Doubts:
    """What has become of the list since it was frozen."""
    still = [
        sa.and_(WaveEntry.decision == decision, Application.state.in_(step.sources))
        for decision, step in RELEASES.items()
    ]
    meant = sa.and_(Application.wave_id == wave.id, Application.pending_decision == WaveEntry.decision, sa.or_(*still))
    changed, silent = session.execute(
        sa.select(
            sa.func.coalesce(sa.func.sum(sa.case((meant, 0), else_=1)), 0),
            sa.func.coalesce(sa.func.sum(sa.case((Account.active, 0), else_=1)), 0),
        )
        .select_from(WaveEntry)
        .join(WaveEntry.application)
        .join(Application.account)
        .where(WaveEntry.wave_id == wave.id, WaveEntry.state == EntryState.PENDING)
    ).one()
    return Doubts(changed, silent)


def letter(session: Session, wave_id: int, decision: Decision) -> WaveLetter | None:
    """What the lead wrote for one kind of answer, if anything."""
    return session.get(WaveLetter, (wave_id, decision))


class Undelivered(NamedTuple):
    """A mail that did not arrive, and the application that it is about."""

    mail: OutgoingMail
    application: Application


def _dead(challenge: Challenge) -> sa.Select[OutgoingMail]:
    return sa.select(OutgoingMail).where(
        OutgoingMail.scope == challenge.slug,
        OutgoingMail.state == MailState.FAILED,
        OutgoingMail.subject.startswith(_KIND, autoescape=True),
    )


def undelivered(session: Session, challenge: Challenge, after: str | None = None) -> Page[Undelivered]:
    """The mails about applications that could not be delivered, the oldest first; two statements."""
    page = keyset(session, _dead(challenge), order=((OutgoingMail.id, "asc"),), after=after)
    numbers = {mail.id: int((mail.subject or "").removeprefix(_KIND)) for mail in page.rows}
    rows = sa.select(Application).options(joinedload(Application.account))
    rows = rows.where(Application.challenge_id == challenge.id, Application.id.in_(numbers.values()))
    found = {row.id: row for row in session.scalars(rows)}
    # An erased application has no row any more, or belongs elsewhere: then nobody is waited for.
    told = [Undelivered(mail, found[numbers[mail.id]]) for mail in page.rows if numbers[mail.id] in found]
    return Page(told, page.next)


def count_undelivered(session: Session, challenge: Challenge) -> tuple[int, datetime | None]:
    """How many they are, and since when the oldest."""
    counted = sa.select(sa.func.count(), sa.func.min(OutgoingMail.created_at))
    number, oldest = session.execute(counted.where(*_dead(challenge).whereclause.clauses)).one()  # type: ignore[union-attr]
    return number, oldest


def undelivered_mail(session: Session, challenge: Challenge, mail_id: int) -> Undelivered:
    """One mail about an application of the challenge. Raises NotFound."""
    rows = sa.select(OutgoingMail).where(OutgoingMail.id == mail_id, OutgoingMail.scope == challenge.slug)
    mail = session.scalars(rows).one_or_none()
    if mail is None or not (mail.subject or "").startswith(_KIND):
        raise NotFound("mail")
    application = session.get(Application, int((mail.subject or "").removeprefix(_KIND)))
    if application is None or application.challenge_id != challenge.id:
        raise NotFound("mail")
    return Undelivered(mail, application)


def last_sent(session: Session, challenge: Challenge, address: str) -> OutgoingMail | None:
    """The last mail about an application that went to an address."""
    rows = sa.select(OutgoingMail).where(
        OutgoingMail.to == address,
        OutgoingMail.scope == challenge.slug,
        OutgoingMail.state == MailState.SENT,
        OutgoingMail.subject.startswith(_KIND, autoescape=True),
    )
    return session.scalars(rows.order_by(OutgoingMail.id.desc()).limit(1)).one_or_none()


def bounced(session: Session, entries: Iterable[WaveEntry]) -> set[int]:
    """The applications among these answers about which a mail did not arrive."""
    subjects: Sequence[str] = [f"{_KIND}{entry.application_id}" for entry in entries]
    rows = sa.select(OutgoingMail.subject).where(
        OutgoingMail.subject.in_(subjects), OutgoingMail.state == MailState.FAILED
    )
    return {int((subject or "").removeprefix(_KIND)) for subject in session.scalars(rows)}
