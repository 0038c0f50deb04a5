"""Whether what a participant asks for makes sense in a slot."""

from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.challenges.models import Scenario
from portal.core.errors import Invalid
from portal.office_hours.models import Series, SeriesHost, Sitting, Slot


class Asked(Protocol):
    """What of a wish may not fit."""

    @property
    def scenario_id(self) -> int | None: ...
    @property
    def component(self) -> str: ...


def check_wish(session: Session, slot_id: int, wish: Asked) -> None:
    """Raise Invalid where the scenario is another challenge's, or nobody of the series knows the component."""
    series = sa.select(Sitting.series_id).join(Slot, Slot.sitting_id == Sitting.id).where(Slot.id == slot_id)
    if wish.scenario_id is not None:
        challenge = sa.select(Series.challenge_id).where(Series.id.in_(series)).scalar_subquery()
        own = sa.select(Scenario.id).where(Scenario.id == wish.scenario_id, Scenario.challenge_id == challenge)
        if session.scalars(own).one_or_none() is None:
            raise Invalid({"scenario": "There is no such scenario in this challenge."})
    if not wish.component:
        return
    known = session.scalars(sa.select(SeriesHost.components).where(SeriesHost.series_id.in_(series)))
    if not any(wish.component in components for components in known):
        raise Invalid({"component": "None of the hosts has named this component."})
