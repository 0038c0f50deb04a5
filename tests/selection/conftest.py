"""The lead at work: reviewed applications, decisions, waves."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.applications.models import Application
from portal.applications.states import Decision
from portal.core.audit import AuditEntry
from portal.core.outbox import OutgoingMail
from portal.selection.actions import decisions, waves
from portal.selection.models import Wave, WaveEntry
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

    def invited(self, application: Application | None = None) -> Application:
        """An application with an open invitation."""
        found = application or self.submitted()
        self.release(self.wave((found, Decision.INVITE)), 1)
        self.session.refresh(found)
        return found

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
