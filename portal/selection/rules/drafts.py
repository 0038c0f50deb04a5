"""From what a lead wishes for to a problem that can be solved, and the words for what was found."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from portal.applications.rules import COUNTRIES
from portal.applications.states import ApplicantKind
from portal.selection.rules import lottery
from portal.selection.rules.assigning import organisation
from portal.selection.rules.regions import NAMED
from portal.selection.rules.solving import Candidate, Clash, Limit, Problem, Reason, reasons, solve
from portal.selection.rules.solving.problem import Profile
from portal.selection.states import Because, LimitKind

EACH = frozenset({LimitKind.EACH_COUNTRY, LimitKind.EACH_ORGANISATION})
KINDS = {ApplicantKind.TEAM.value: "teams", ApplicantKind.SINGLE.value: "single researchers"}
# Up to so many applications a draft is solved while the lead waits; above, a job does it.
AT_ONCE = 10_000
# Who stands in the way of a choice, by name.
PINNED = "{} is pinned in"


class Applicant(NamedTuple):
    """What limits may ask of an application. `score` is in hundredths; None where it has none that counts."""

    id: int
    score: int | None
    country: str
    affiliation: str = ""
    kind: str = ""
    scenarios: frozenset[str] = frozenset()
    first_timer: bool = True
    needs_kit: bool = True


class Wish(NamedTuple):
    """One limit of a draft."""

    kind: LimitKind
    value: str
    least: int | None
    most: int | None


@dataclass(frozen=True)
class Question:
    """A problem, the words for its limits, and those who take no part in it."""

    problem: Problem
    labels: tuple[str, ...]
    # Those who stand outside for a reason that no solving can change.
    out: tuple[tuple[Candidate, Because], ...]


class Row(NamedTuple):
    """What is to be kept of one application."""

    candidate: Candidate
    scored: bool
    place: int
    taken: bool
    reason: Reason


class Answer(NamedTuple):
    """What was found: everybody by rank, or the words of what clashes."""

    rows: tuple[Row, ...] = ()
    clash: tuple[str, ...] = ()

    @property
    def taken(self) -> list[Row]:
        """Those who would get a place."""
        return [row for row in self.rows if row.taken]


def hundredths(score: float | None) -> int | None:
    """A score as people read it, in hundredths: rounded like on every page, so that what looks equal is equal."""
    return None if score is None else round(round(score, 2) * 100)


def words(wish: Wish) -> str:
    """A limit as a person would say it."""
    last = wish.most if wish.most is not None else wish.least
    whom = _whom(wish.kind, wish.value)
    if wish.kind is LimitKind.KIND and last == 1:
        whom = whom.removesuffix("s")
    if wish.least is not None and wish.least == wish.most:
        return f"exactly {wish.least} {whom}"
    told = [f"at least {wish.least}"] if wish.least is not None else []
    told += [f"at most {wish.most}"] if wish.most is not None else []
    return f"{' and '.join(told)} {whom}"


def _whom(kind: LimitKind, value: str) -> str:
    if kind is LimitKind.COUNTRY:
        return f"from {COUNTRIES.get(value, value)}"
    if kind is LimitKind.KIND:
        return KINDS.get(value, value)
    return {
        LimitKind.REGION: f"from {value}",
        LimitKind.SCENARIO: f"interested in {value}",
        LimitKind.ORGANISATION: f"of the organisation {value}",
        LimitKind.FIRST_TIMERS: "who take part for the first time",
        LimitKind.EACH_COUNTRY: "from any one country",
        LimitKind.EACH_ORGANISATION: "of any one organisation",
    }[kind]


def _counts(wish: Wish, one: Applicant) -> bool:
    if wish.kind is LimitKind.COUNTRY:
        return one.country == wish.value
    if wish.kind is LimitKind.REGION:
        return one.country in NAMED.get(wish.value, ())
    if wish.kind is LimitKind.SCENARIO:
        return wish.value in one.scenarios
    if wish.kind is LimitKind.ORGANISATION:
        return organisation(one.affiliation) == wish.value
    if wish.kind is LimitKind.KIND:
        return one.kind == wish.value
    return one.first_timer


def _expanded(wishes: Iterable[Wish], people: Collection[Applicant]) -> list[Wish]:
    """Limits on each country or organisation, as one for every country or organisation that could break it."""
    found = []
    for wish in wishes:
        if wish.kind not in EACH:
            found.append(wish)
        elif wish.most is not None:
            country = wish.kind is LimitKind.EACH_COUNTRY
            many = Counter(one.country if country else organisation(one.affiliation) for one in people)
            kind = LimitKind.COUNTRY if country else LimitKind.ORGANISATION
            found += [
                Wish(kind, value, None, wish.most) for value, n in sorted(many.items()) if value and n > wish.most
            ]
    return found


def _profiles(wishes: Sequence[Wish], people: Collection[Applicant]) -> dict[int, Profile]:
    """Which limits count each of the people; those who are alike in all that is asked are asked once."""
    known: dict[tuple[object, ...], Profile] = {}
    by_value: dict[tuple[LimitKind, str], Profile] = {}
    for n, wish in enumerate(wishes):
        if wish.kind in (LimitKind.COUNTRY, LimitKind.ORGANISATION):
            by_value[wish.kind, wish.value] = by_value.get((wish.kind, wish.value), 0) | 1 << n
    others = [(n, wish) for n, wish in enumerate(wishes) if (wish.kind, wish.value) not in by_value]
    named = any(kind is LimitKind.ORGANISATION for kind, _ in by_value)
    names = {text: organisation(text) for text in {one.affiliation for one in people}} if named else {}
    found = {}
    for one in people:
        name = names.get(one.affiliation, "")
        alike = (one.country, name, one.kind, one.scenarios, one.first_timer)
        if alike not in known:
            profile = sum(1 << n for n, wish in others if _counts(wish, one))
            profile |= by_value.get((LimitKind.COUNTRY, one.country), 0)
            known[alike] = profile | (by_value.get((LimitKind.ORGANISATION, name), 0) if name else 0)
        found[one.id] = known[alike]
    return found


def question(
    people: Collection[Applicant], wishes: Iterable[Wish], pins: Mapping[int, bool], unshippable: Collection[str],
    places: int, seed: str, kits: int | None = None,
) -> Question:  # fmt: skip
    """The problem that a draft stands for. Pins that are true are inside whatever their score is.

    `kits` is for how many of those who need one there are kits; None where that does not matter.
    """
    expanded = _expanded(wishes, people)
    profiles, labels = _profiles(expanded, people), [words(wish) for wish in expanded]
    limits = [Limit(wish.least or 0, wish.most) for wish in expanded]
    supplied = 0
    if kits is not None and kits < places:
        supplied = 1 << len(limits)
        limits.append(Limit(0, kits))
        labels.append(f"at most {kits} who need a kit, as the stock allows no more")
    free, pinned, out = [], [], []
    for one in people:
        profile = profiles[one.id] | (supplied if one.needs_kit else 0)
        made = Candidate(one.id, one.score or 0, lottery.number(seed, one.id), profile)
        if one.id in pins:
            if pins[one.id]:
                pinned.append(made)
            else:
                out.append((made, Because.PINNED_OUT))
        elif one.score is None:
            out.append((made, Because.UNSCORED))
        elif one.needs_kit and one.country in unshippable:
            out.append((made, Because.UNSHIPPABLE))
        else:
            free.append(made)
    return Question(Problem(places, tuple(limits), tuple(free), tuple(pinned)), tuple(labels), tuple(out))


def answer(asked: Question, names: Mapping[int, str]) -> Answer:
    """The exact choice with all reasons. `names` are for the words of a clash."""
    found = solve(asked.problem)
    if found.clash is not None:
        return Answer(clash=told(asked, found.clash, names))
    why = reasons(asked.problem, found.taken)
    why |= {one.id: Reason(because) for one, because in asked.out}
    unscored = {one.id for one, because in asked.out if because is Because.UNSCORED}
    everybody = [*asked.problem.free, *asked.problem.pinned, *(one for one, _ in asked.out)]
    everybody.sort(key=lambda one: (one.id not in unscored, one.rank), reverse=True)
    return Answer(
        tuple(
            Row(one, one.id not in unscored, place, one.id in found.taken, why[one.id])
            for place, one in enumerate(everybody, start=1)
        )
    )


def told(asked: Question, clash: Clash, names: Mapping[int, str]) -> tuple[str, ...]:
    """What clashes, in words."""
    found, problem = [], asked.problem
    for n in clash.minima:
        both = n in clash.maxima
        label = asked.labels[n]
        found.append(label if both or " and at most " not in label else _half(label, least=True))
    found += [
        asked.labels[n] if " and at most " not in asked.labels[n] else _half(asked.labels[n], least=False)
        for n in clash.maxima if n not in clash.minima
    ]  # fmt: skip
    if clash.places:
        found.append("1 place" if problem.places == 1 else f"{problem.places} places")
    found += [PINNED.format(names.get(number, number)) for number in clash.pinned]
    if clash == Clash(minima=clash.minima) and len(clash.minima) == 1:
        n = clash.minima[0]
        there = sum(one.profile >> n & 1 for one in (*problem.free, *problem.pinned))
        found.append(f"only {there} in the pool")
    return tuple(found)


def _half(label: str, *, least: bool) -> str:
    """One half of “at least 2 and at most 4 from …”."""
    first, _, second = label.partition(" and at most ")
    many, _, whom = second.partition(" ")
    return f"{first} {whom}" if least else f"at most {many} {whom}"


def why_not_freeze(state_since: datetime | None, fresh: bool, taken: int | None, count: int | None) -> str | None:
    """Why a draft cannot become what is meant, or None."""
    if state_since is None or taken is None:
        return "Solve it first."
    if not fresh:
        return "Applications, scores, kits or policies have changed since it was solved. Solve it again."
    if count != taken:
        return f"The draft takes {taken}, not {count}. Nothing was changed."
    return None


def told_reason(asked: Question, reason: Reason) -> list[str]:
    """The limits of a reason in words."""
    labels = [asked.labels[n] for n in reason.limits]
    if reason.because is Because.BLOCKED:
        return [_half(label, least=False) if " and at most " in label else label for label in labels]
    if reason.because is Because.PULLED:
        return [_half(label, least=True) if " and at most " in label else label for label in labels]
    return labels


def points(value: int, *, signed: bool = False) -> str:
    """Hundredths as people read them: 3.41, or −0.31 and +0.05 where signed."""
    text = f"{abs(value) / 100:.2f}"
    return ("−" if value < 0 else "+" if signed and value else "") + text
