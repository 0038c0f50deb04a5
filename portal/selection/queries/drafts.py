"""Finding what-ifs: their pool, what they make of it, and how two of them differ."""

import hashlib
from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload

from portal.applications.models import Application, application_scenario
from portal.applications.states import ApplicationState, Decision, Triage
from portal.challenges.models import Challenge, Member, Participant, Scenario
from portal.core.errors import NotFound
from portal.core.paging import Page, keyset
from portal.selection import supply
from portal.selection.models import Draft, DraftChoice, DraftLimit, Lottery, Pin
from portal.selection.rules import UNDECIDED
from portal.selection.rules.drafts import Applicant, Question, Wish, hundredths, question
from portal.selection.states import Because, DraftState, LimitKind

PAGE = 50
# Columns by which a page shows whom a choice is about.
_PERSON = (
    Application.id, Application.name, Application.handle, Application.affiliation, Application.country,
    Application.kind, Application.state, Application.needs_kit,
)  # fmt: skip
# Never waitlisted by freezing: they were left out on purpose, or nobody has read them.
NOT_NEXT = (Because.PINNED_OUT, Because.UNSHIPPABLE, Because.UNSCORED)


class Shown(NamedTuple):
    """Which choices of a draft a page shows. Empty text means all."""

    taken: str = ""
    because: str = ""
    text: str = ""


def drafts(session: Session, challenge_id: int) -> Sequence[Draft]:
    """All what-ifs of a challenge but the discarded, the newest first."""
    return session.scalars(
        sa.select(Draft)
        .options(joinedload(Draft.created_by), joinedload(Draft.lottery))
        .where(Draft.challenge_id == challenge_id, Draft.state != DraftState.DISCARDED)
        .order_by(Draft.number.desc())
    ).all()


def draft(session: Session, challenge_id: int, number: int) -> Draft:
    """One what-if with its limits and pins. Raises NotFound."""
    found = session.scalars(
        sa.select(Draft)
        .options(
            joinedload(Draft.challenge), joinedload(Draft.lottery), selectinload(Draft.limits),
            selectinload(Draft.pins).joinedload(Pin.application).load_only(*_PERSON, raiseload=True),
        )
        .where(Draft.challenge_id == challenge_id, Draft.number == number)
        .execution_options(populate_existing=True)
    ).one_or_none()  # fmt: skip
    if found is None:
        raise NotFound("draft")
    return found


def last_frozen(session: Session, challenge_id: int) -> Draft | None:
    """The what-if that became what was meant, the last one."""
    return session.scalars(
        sa.select(Draft)
        .options(selectinload(Draft.limits), joinedload(Draft.lottery))
        .where(Draft.challenge_id == challenge_id, Draft.state == DraftState.FROZEN)
        .order_by(Draft.frozen_at.desc(), Draft.id.desc())
        .limit(1)
    ).one_or_none()


def lotteries(session: Session, challenge_id: int) -> Sequence[Lottery]:
    """All lotteries of a challenge, the newest first."""
    return session.scalars(
        sa.select(Lottery).where(Lottery.challenge_id == challenge_id).order_by(Lottery.number.desc())
    ).all()


def open_lottery(session: Session, challenge_id: int) -> Lottery | None:
    """The lottery whose seed nobody knows yet."""
    return session.scalars(
        sa.select(Lottery).where(Lottery.challenge_id == challenge_id, Lottery.revealed_at.is_(None))
    ).one_or_none()


def _pool(challenge_id: int) -> list[sa.ColumnElement[bool]]:
    return [
        Application.challenge_id == challenge_id,
        Application.state.in_(UNDECIDED),
        Application.wave_id.is_(None),
    ]


def pool_count(session: Session, challenge_id: int) -> int:
    """How many could get a place."""
    return session.scalars(sa.select(sa.func.count()).select_from(Application).where(*_pool(challenge_id))).one()


def pool_print(session: Session, challenge_id: int) -> str:
    """A mark of everything about the pool on which a choice depends; it changes with it.

    Sums over all applications, weighed by their numbers, of score, what was saved, triage, state and need of a kit;
    and the countries to which no kit can be sent. A fixed number of statements.
    """
    weight = Application.id % 10_007 + 1
    score = sa.cast(sa.func.round(Application.score_adjusted * 100), sa.BigInteger)
    parts = (
        sa.func.count(), sa.func.sum(Application.id), sa.func.sum((score + 1) * weight),
        sa.func.sum((Application.version + 1) * weight),
        sa.func.sum(sa.case((Application.triage == Triage.YES, weight), else_=0)),
        sa.func.sum(sa.case((Application.state == ApplicationState.WAITLISTED, weight), else_=0)),
        sa.func.sum(sa.case((Application.needs_kit, 0), else_=weight)),
    )  # fmt: skip
    told = session.execute(sa.select(*parts).where(*_pool(challenge_id))).one()
    words = [*(str(int(part or 0)) for part in told), *sorted(supply.unshippable(session, challenge_id))]
    return hashlib.sha256(" ".join(words).encode()).hexdigest()


def is_fresh(session: Session, draft: Draft) -> bool:
    """Whether a solved draft would find the same again: neither pool nor policies nor stock have changed."""
    stocked = not draft.kits_each or draft.kits == kits_for_places(session, draft.challenge, draft.kits_each)
    return stocked and draft.print == pool_print(session, draft.challenge_id)


def kits_for_places(session: Session, challenge: Challenge, kits_each: int) -> int | None:
    """How many new places the free kits allow; those who are invited have theirs. None where nobody counts."""
    free = supply.free_kits(session, challenge.id)
    return None if free is None else free // kits_each


def wishes_of(limits: Sequence[DraftLimit]) -> list[Wish]:
    """The limits as rules know them."""
    return [Wish(limit.kind, limit.value, limit.least, limit.most) for limit in limits]


def people(
    session: Session, challenge: Challenge, conditions: Sequence[sa.ColumnElement[bool]], kinds: Collection[LimitKind],
    *, unscored: bool,
) -> tuple[list[Applicant], dict[int, str]]:  # fmt: skip
    """Applications as limits see them, and their names; at most three statements."""
    columns = (
        Application.id, Application.account_id, Application.score_adjusted, Application.triage, Application.country,
        Application.affiliation, Application.kind, Application.needs_kit, Application.name,
    )  # fmt: skip
    rows = session.execute(sa.select(*columns).where(*conditions).order_by(Application.id)).all()
    codes = _codes(session, challenge.id) if LimitKind.SCENARIO in kinds else {}
    before = _took_part(session, challenge) if LimitKind.FIRST_TIMERS in kinds else frozenset()
    found = [
        Applicant(
            number, _counting(score, triage, unscored=unscored), country, affiliation, kind.value,
            codes.get(number, frozenset()), account_id not in before, needs_kit,
        )
        for number, account_id, score, triage, country, affiliation, kind, needs_kit, _ in rows
    ]  # fmt: skip
    return found, {row.id: row.name for row in rows}


def _counting(score: float | None, triage: Triage | None, *, unscored: bool) -> int | None:
    """In hundredths; whoever triage said yes to counts as 0 where the unscored count."""
    if score is None and unscored and triage is Triage.YES:
        return 0
    return hundredths(score)


def _codes(session: Session, challenge_id: int) -> dict[int, frozenset[str]]:
    rows = session.execute(
        sa.select(application_scenario.c.application_id, Scenario.code)
        .join(Scenario, Scenario.id == application_scenario.c.scenario_id)
        .where(Scenario.challenge_id == challenge_id)
    )
    found: dict[int, list[str]] = {}
    for number, code in rows:
        found.setdefault(number, []).append(code)
    return {number: frozenset(codes) for number, codes in found.items()}


def _took_part(session: Session, challenge: Challenge) -> frozenset[int]:
    """Accounts that were in an earlier challenge."""
    return frozenset(
        session.scalars(
            sa.select(Member.account_id)
            .join(Participant, Participant.id == Member.participant_id)
            .join(Challenge, Challenge.id == Participant.challenge_id)
            .where(Challenge.id != challenge.id, Challenge.starts_on < challenge.starts_on)
        )
    )


class Asked(NamedTuple):
    """The question of a draft, and what it was asked of."""

    question: Question
    names: dict[int, str]
    print: str
    kits: int | None


def ask(session: Session, found: Draft) -> Asked:
    """What a draft asks of its pool as it is now."""
    wishes = wishes_of(found.limits)
    before = pool_print(session, found.challenge_id)
    kits = kits_for_places(session, found.challenge, found.kits_each) if found.kits_each else None
    candidates, names = people(
        session, found.challenge, _pool(found.challenge_id), {wish.kind for wish in wishes}, unscored=found.unscored
    )
    barred = supply.unshippable(session, found.challenge_id).union(found.unshippable)
    pins = {pin.application_id: pin.inside for pin in found.pins}
    asked = question(candidates, wishes, pins, barred, found.places, found.lottery.seed, kits)
    return Asked(asked, names, before, kits)


def solving(session: Session) -> Sequence[tuple[int, int]]:
    """Drafts that wait for a job to solve them: challenge and number."""
    rows = session.execute(
        sa.select(Draft.challenge_id, Draft.number).where(Draft.state == DraftState.SOLVING).order_by(Draft.id)
    )
    return [(challenge_id, number) for challenge_id, number in rows]


def choices(
    session: Session, draft_id: int, shown: Shown, after: str | None = None, *, reader: int | None = None
) -> Page[DraftChoice]:
    """A page of what a draft makes of its pool, by rank, with applications and rivals; one statement.

    The reader's own application is left out.
    """
    rows = (
        sa.select(DraftChoice)
        .join(DraftChoice.application)
        .options(
            contains_eager(DraftChoice.application).load_only(*_PERSON, raiseload=True),
            joinedload(DraftChoice.rival).load_only(Application.name, raiseload=True),
        )
        .where(DraftChoice.draft_id == draft_id)
    )
    if reader is not None:
        rows = rows.where(Application.account_id != reader)
    if shown.taken in ("yes", "no"):
        rows = rows.where(DraftChoice.taken.is_(shown.taken == "yes"))
    if shown.because in set(Because):
        rows = rows.where(DraftChoice.because == Because(shown.because))
    if shown.text:
        columns = (Application.name, Application.handle, Application.affiliation)
        rows = rows.where(sa.or_(*(column.icontains(shown.text, autoescape=True) for column in columns)))
    order = ((DraftChoice.place, "asc"), (DraftChoice.application_id, "asc"))
    return keyset(session, rows, order=order, after=after, limit=PAGE)


def by_reason(session: Session, draft_id: int) -> dict[Because, int]:
    """How many have each reason."""
    rows = session.execute(
        sa.select(DraftChoice.because, sa.func.count())
        .where(DraftChoice.draft_id == draft_id)
        .group_by(DraftChoice.because)
    )
    found = dict(rows.all())
    return {because: found[because] for because in Because if because in found}


def ids_of(
    session: Session, draft_id: int, *, taken: bool, without: Collection[Because] = (), except_for: int
) -> Sequence[int]:
    """Applications of a draft by rank, without those of some reasons and of one account."""
    rows = (
        sa.select(DraftChoice.application_id)
        .join(DraftChoice.application)
        .where(DraftChoice.draft_id == draft_id, DraftChoice.taken == taken, Application.account_id != except_for)
        .order_by(DraftChoice.place)
    )
    return session.scalars(rows.where(DraftChoice.because.not_in(without)) if without else rows).all()


def waitlisted_among(session: Session, challenge_id: int) -> set[int]:
    """Applications that are on the waiting list already."""
    return set(
        session.scalars(
            sa.select(Application.id).where(
                Application.challenge_id == challenge_id, Application.state == ApplicationState.WAITLISTED
            )
        )
    )


class Holding(NamedTuple):
    """Who holds a place, or shall be offered one, and who waits for one."""

    holders: list[sa.ColumnElement[bool]]
    waiting: list[sa.ColumnElement[bool]]


def holding(challenge_id: int) -> Holding:
    """The two conditions of the waiting list."""
    here = Application.challenge_id == challenge_id
    meant = sa.and_(Application.state.in_(UNDECIDED), Application.pending_decision == Decision.INVITE)
    held = Application.state.in_([ApplicationState.ACCEPTED, ApplicationState.INVITED])
    return Holding(
        [here, sa.or_(held, meant)],
        [
            here, Application.state == ApplicationState.WAITLISTED, Application.wave_id.is_(None),
            Application.pending_decision.is_(None),
        ],
    )  # fmt: skip


def waiting_count(session: Session, challenge: Challenge) -> tuple[int, int]:
    """Places that nobody holds or shall be offered, and how many wait for one."""
    conditions = holding(challenge.id)
    held = sa.select(sa.func.count()).select_from(Application).where(*conditions.holders)
    waiting = sa.select(sa.func.count()).select_from(Application).where(*conditions.waiting)
    return max(0, challenge.places - session.scalars(held).one()), session.scalars(waiting).one()


class Side(NamedTuple):
    """One application that only one of two drafts takes."""

    application: Application
    score: int | None
    because: Because
    # Why the other draft does not take it; None where it was not in its pool.
    other: Because | None


class Comparison(NamedTuple):
    """How two drafts differ."""

    only_first: list[Side]
    only_second: list[Side]
    both: int
    countries: list[tuple[str, int, int]]
    scenarios: list[tuple[str, int, int]]


def compare(session: Session, first: Draft, second: Draft) -> Comparison:
    """Who is only in one of two drafts, and what they take by country and scenario; six statements."""
    left, right = _only(session, first.id, second.id), _only(session, second.id, first.id)
    countries = (_taken_by(session, first.id), _taken_by(session, second.id))
    scenarios = (_taken_for(session, first.id), _taken_for(session, second.id))
    both = (first.taken or 0) - len(left)
    return Comparison(left, right, both, _beside(*countries), _beside(*scenarios))


def _beside(first: Counter[str], second: Counter[str]) -> list[tuple[str, int, int]]:
    return sorted(
        ((value, first[value], second[value]) for value in {*first, *second}),
        key=lambda row: (-max(row[1:]), row[0]),
    )


def _only(session: Session, draft_id: int, other_id: int) -> list[Side]:
    other = sa.orm.aliased(DraftChoice)
    rows = session.execute(
        sa.select(DraftChoice, other.because)
        .join(DraftChoice.application)
        .join(
            other, sa.and_(other.application_id == DraftChoice.application_id, other.draft_id == other_id), isouter=True
        )
        .options(contains_eager(DraftChoice.application).load_only(*_PERSON, raiseload=True))
        .where(DraftChoice.draft_id == draft_id, DraftChoice.taken, sa.or_(other.taken.is_(None), ~other.taken))
        .order_by(DraftChoice.place)
    )
    return [Side(choice.application, choice.score, choice.because, because) for choice, because in rows]


def _taken_by(session: Session, draft_id: int) -> Counter[str]:
    rows = session.execute(
        sa.select(Application.country, sa.func.count())
        .join(DraftChoice, DraftChoice.application_id == Application.id)
        .where(DraftChoice.draft_id == draft_id, DraftChoice.taken)
        .group_by(Application.country)
    )
    return Counter(dict(rows.all()))


def _taken_for(session: Session, draft_id: int) -> Counter[str]:
    rows = session.execute(
        sa.select(Scenario.code, sa.func.count())
        .join(application_scenario, application_scenario.c.scenario_id == Scenario.id)
        .join(DraftChoice, DraftChoice.application_id == application_scenario.c.application_id)
        .where(DraftChoice.draft_id == draft_id, DraftChoice.taken)
        .group_by(Scenario.code)
    )
    return Counter(dict(rows.all()))
