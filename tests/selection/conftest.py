"""The lead at work: reviewed applications, decisions, waves."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.applications.models import Application
from portal.applications.states import Decision
from portal.core.audit import AuditEntry
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
