"""The lead at work: reviewed applications, decisions, waves."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.applications.models import Application
from portal.applications.states import Decision
from portal.challenges.models import Challenge
from portal.core.audit import AuditEntry
from portal.core.errors import Refused
from portal.core.outbox import OutgoingMail
from portal.selection.actions import decisions, drafts, waves
from portal.selection.actions.plan import Line, Settings, set_plan, set_rubric
from portal.selection.actions.reviews import write_review
from portal.selection.models import Draft, Plan, Review, Wave, WaveEntry
from portal.selection.queries.plan import criteria
from portal.selection.rules.drafts import Wish
from portal.selection.rules.reviews import OVERALL, Opinion
from portal.selection.states import EntryState
from tests.applications.conftest import Desk
from tests.cast import NOON, Cast

Mails = Callable[[], list[OutgoingMail]]
ANSWER_BY = NOON + timedelta(days=7)
STAFF = "/staff/test-challenge"


class Shelf:
    """Kits as a room above keeps them: a number that are free, and who has one kept."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.kept: dict[str, int | None] = {}

    def free(self, _session: Session, _challenge_id: int) -> int:
        """Those that nobody is promised."""
        return self.count

    def reserve(self, _session: Session, _challenge: Challenge, holders: Sequence[str], **_who: Any) -> None:
        """All or nothing."""
        wanted = [holder for holder in holders if holder not in self.kept]
        if len(wanted) > self.count:
            raise Refused(f"{len(wanted) - self.count} missing")
        self.count -= len(wanted)
        self.kept |= dict.fromkeys(wanted)

    def release(self, _session: Session, _challenge: Challenge, holders: Sequence[str], **_who: Any) -> None:
        """Whoever has none loses none."""
        gone = [holder for holder in holders if holder in self.kept]
        self.count += len(gone)
        for holder in gone:
            del self.kept[holder]

    def pass_on(self, _session: Session, holder: str, participant_id: int) -> None:
        """To whoever takes part now."""
        if holder in self.kept:
            self.kept[holder] = participant_id


class Bench(Desk):
    """The desk, and what the lead does at it."""

    def mean(self, applications: Iterable[Application], decision: Decision | None) -> decisions.Outcome:
        """Note a decision, committed."""
        told = decisions.mean(
            self.session, self.cast.challenge, [row.id for row in applications], decision, by=self.cast.lead.id, at=NOON
        )
        self.session.commit()
        return told

    def wave(self, *meant: tuple[Application, Decision], answer_by: datetime | None = ANSWER_BY) -> Wave:
        """A draft of a wave with these answers."""
        for application, decision in meant:
            self.mean([application], decision)
        wave = waves.create_wave(self.session, self.cast.challenge, answer_by, by=self.cast.lead.id, at=NOON)
        self.session.commit()
        return wave

    def release(self, wave: Wave, count: int, at: datetime = NOON) -> None:
        """Let it go out, committed."""
        waves.release_wave(self.session, wave, count=count, by=self.cast.lead.id, at=at)
        self.session.commit()

    def review(
        self, application: Application, reviewer: Account, score: int | Mapping[int, int], comment: str = "",
        at: datetime = NOON, **more: Any,
    ) -> Review:  # fmt: skip
        """A review, committed; a bare score is the overall mark of a rubric without criteria."""
        marks = {OVERALL: score} if isinstance(score, int) else score
        written = write_review(self.session, application, reviewer.id, Opinion(marks, comment=comment, **more), at=at)
        self.session.commit()
        return written

    def rubric(self, **weights: int) -> dict[str, int]:
        """The numbers of criteria of these names with these weights, committed."""
        lines = [Line(None, name, weight=weight, position=n) for n, (name, weight) in enumerate(weights.items())]
        set_rubric(self.session, self.cast.challenge, lines, by=self.cast.lead.id, at=NOON)
        self.session.commit()
        return {row.label: row.id for row in criteria(self.session, self.cast.challenge.id)}

    def settings(self, **settings: Any) -> Plan:
        """The plan with these settings, committed."""
        plan = set_plan(self.session, self.cast.challenge, Settings(**settings), by=self.cast.lead.id, at=NOON)
        self.session.commit()
        return plan

    def invited(self, application: Application | None = None) -> Application:
        """An application with an open invitation."""
        found = application or self.submitted()
        self.release(self.wave((found, Decision.INVITE)), 1)
        self.session.refresh(found)
        return found

    def what_if(self, places: int = 2, *, limits: Iterable[Wish] = (), **settings: Any) -> Draft:
        """A draft with limits, committed."""
        given = drafts.Settings("A what-if", places, **settings)
        made = drafts.create_draft(self.session, self.cast.challenge, given, by=self.cast.lead.id, at=NOON)
        for wish in limits:
            drafts.set_limit(self.session, made, wish, by=self.cast.lead.id, at=NOON)
        self.session.commit()
        return made

    def outcome(self, wave: Wave) -> list[tuple[EntryState, str | None]]:
        """What became of each answer of a wave."""
        self.session.expire_all()
        rows = sa.select(WaveEntry).where(WaveEntry.wave_id == wave.id).order_by(WaveEntry.application_id)
        return [(entry.state, entry.reason) for entry in self.session.scalars(rows)]

    def tags(self) -> list[str]:
        """What the audit says that the selection did."""
        self.session.commit()
        tags = self.session.scalars(sa.select(AuditEntry.tag).order_by(AuditEntry.id))
        return [tag for tag in tags if tag.startswith("selection:")]


@pytest.fixture
def bench(session: Session, cast: Cast) -> Bench:
    """The bench."""
    return Bench(session, cast)
