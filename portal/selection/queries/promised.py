"""To whom a place is promised that comes with a kit."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.applications.models import Application
from portal.applications.states import INVITE, ApplicationState, Decision
from portal.selection.models import Wave, WaveEntry
from portal.selection.states import EntryState, WaveState


def promised(session: Session, challenge_id: int) -> Sequence[int]:
    """The applications for which a kit is to be kept: the invited, and whoever a wave on its way out will invite."""
    mine = Application.challenge_id == challenge_id, Application.needs_kit
    under_way = sa.select(Wave.id).where(
        Wave.challenge_id == challenge_id, Wave.state.in_([WaveState.RELEASING, WaveState.PAUSED])
    )
    invited = sa.select(Application.id).where(*mine, Application.state == ApplicationState.INVITED)
    soon = sa.select(Application.id).where(
        *mine, Application.pending_decision == Decision.INVITE, Application.wave_id.in_(under_way),
        Application.state.in_(INVITE.sources),
    )  # fmt: skip
    return session.scalars(sa.union_all(invited, soon).order_by("id")).all()


def needing(session: Session, wave_id: int) -> Sequence[int]:
    """The applications that a wave will invite and that need a kit, as far as they are meant still as they were."""
    return session.scalars(
        sa.select(Application.id)
        .join(WaveEntry, WaveEntry.application_id == Application.id)
        .where(
            WaveEntry.wave_id == wave_id, WaveEntry.state == EntryState.PENDING,
            WaveEntry.decision == Decision.INVITE, Application.wave_id == wave_id,
            Application.pending_decision == Decision.INVITE, Application.state.in_(INVITE.sources),
            Application.needs_kit,
        )
        .order_by(Application.id)
    ).all()  # fmt: skip


def is_promised(session: Session, application: Application) -> bool:
    """Whether a kit is to be kept for this application as it stands."""
    return application.id in promised(session, application.challenge_id)
