"""What the first pass makes of several opinions, who must not judge what, and when it will be finished."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from portal.applications.models import Application, Question
from portal.applications.rules import COUNTRIES
from portal.applications.states import ApplicantKind, ApplicationState, Triage
from portal.challenges.models import Scenario
from portal.selection.rules.assigning import organisation
from portal.selection.rules.blind import alias, masked
from portal.selection.states import ConflictKind

# How long a card stays one person's without a sign of life from them.
LEASE = timedelta(minutes=10)
# A person holds the card that they read and the one that comes next.
HELD = 2
# Longer looks are breaks; they would spoil the pace.
LONGEST_LOOK = int(LEASE.total_seconds())
VERDICTS = (Triage.YES, Triage.MAYBE, Triage.NO, Triage.SPAM)
# The pace is that of the last verdicts; an older break says nothing about today.
RECENT = 200
# Fewer verdicts within an hour are no pace.
ENOUGH = 5


def combined(verdicts: Iterable[Triage]) -> Triage | None:
    """What several first looks say together; None before the first.

    Where they agree, that. It is spam only if all say so, and otherwise that word counts as a no. Where they differ,
    maybe: somebody should read it properly.
    """
    said = set(verdicts)
    if not said:
        return None
    if said == {Triage.SPAM}:
        return Triage.SPAM
    said = {Triage.NO if word is Triage.SPAM else word for word in said}
    return said.pop() if len(said) == 1 else Triage.MAYBE


def conflict_with(application: Application, affiliation: str, emails: Collection[str]) -> ConflictKind | None:
    """Why somebody of this affiliation with these addresses must not judge an application, as far as can be told."""
    if {email.strip().lower() for email in emails} & {email.strip().lower() for email in application.team}:
        return ConflictKind.TEAM
    ours = organisation(affiliation)
    return ConflictKind.AFFILIATION if ours and ours == organisation(application.affiliation) else None


def why_not_judge(application: Application, account_id: int) -> str | None:
    """Why this person cannot say what they make of it at first sight, or None."""
    if application.account_id == account_id:
        return "This is your own application."
    if application.state is not ApplicationState.SUBMITTED:
        return f"It is not to be judged any more: it is {application.state}."
    return None


def seconds_of(told: int | None, since: datetime, at: datetime) -> int:
    """How long somebody looked: what their browser measured, if that can be, else since they got the card."""
    elapsed = max(0, int((at - since).total_seconds()))
    return min(elapsed if told is None or told < 0 else min(told, elapsed), LONGEST_LOOK)


def median(counts: Sequence[tuple[int, int]]) -> float | None:
    """The median of values given as (value, how often), in any order; None of none."""
    ordered, total = sorted(counts), sum(number for _, number in counts)
    if not total:
        return None

    def nth(place: int) -> int:
        for value, number in ordered:
            place -= number
            if place < 0:
                return value
        raise AssertionError("the place is beyond the last")

    return (nth((total - 1) // 2) + nth(total // 2)) / 2


class Pace(NamedTuple):
    """How far the first pass has come.

    `total`, `done`: looks at all applications that are to be judged, and those that were given; `looking`: how many
    people have judged within the last hour, `hourly`: how many verdicts they gave in it, and `since`: when the first.
    """

    total: int
    done: int
    mine: int
    today: int
    seconds: float | None
    looking: int
    hourly: int
    since: datetime | None

    @property
    def left(self) -> int:
        """Looks that are still to be given."""
        return max(0, self.total - self.done)

    def finished_at(self, at: datetime) -> datetime | None:
        """When all is judged if everybody goes on as in the last hour; None where that cannot be told."""
        if not self.left or self.since is None or self.hourly < ENOUGH:
            return None
        return at + self.left / self.hourly * max(at - self.since, timedelta(minutes=1))


class Card(NamedTuple):
    """What is shown of an application at first sight. Pairs are (heading, text)."""

    application_id: int
    title: str
    facts: list[tuple[str, str]]
    texts: list[tuple[str, str]]
    scenarios: Sequence[Scenario]
    links: Sequence[str]
    # Links that are there and must not be shown, since they tell who it is.
    hidden_links: int


def card_of(application: Application, questions: Iterable[Question], *, blind: bool) -> Card:
    """The card of an application; a blind one does not tell who applies."""
    team = 1 + len(application.team)
    applies = f"a team of {team}" if application.kind is ApplicantKind.TEAM else "one person"
    facts = [("Applies as", applies)]
    if not blind:
        country = COUNTRIES.get(application.country, application.country)
        facts = [
            ("Handle", application.handle), ("Affiliation", application.affiliation), ("Country", country), *facts
        ]  # fmt: skip
    texts = [
        ("Experience", application.experience),
        ("Research plan", application.plan),
        ("With a kit", application.kit_use),
        *answered(application, questions, blind=blind),
    ]
    return Card(
        application.id,
        alias(application) if blind else application.name,
        facts,
        [(heading, masked(text, application) if blind else text) for heading, text in texts],
        application.scenarios,
        [] if blind else application.links,
        len(application.links) if blind else 0,
    )


def answered(application: Application, questions: Iterable[Question], *, blind: bool) -> list[tuple[str, str]]:
    """The lead's own questions with the answers, in their order; a blind reader gets none that tells who it is."""
    told = application.answers or {}
    return [
        (question.label, str(told[str(question.id)]))
        for question in questions
        if told.get(str(question.id)) not in (None, "") and not (blind and question.personal)
    ]
