"""What the hosts of series know."""

from collections.abc import Iterable
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.office_hours.models import SeriesHost, Slot
from portal.office_hours.queries.sittings import ids_of


class Known(NamedTuple):
    """Which components hosts know, by series and account."""

    by_host: dict[tuple[int, int], list[str]]

    def all(self, series_id: int | None = None) -> list[str]:
        """The components that anybody of the series knows, or of any series, each once, in order."""
        rows = (known for (series, _), known in self.by_host.items() if series_id in (None, series))
        return sorted({component for known in rows for component in known})

    def here(self, slot: Slot) -> list[str]:
        """What those who hold a whole slot know."""
        found = (self.by_host.get((slot.sitting.series_id, host), []) for host in ids_of(slot))
        return sorted({component for known in found for component in known})


def components_of(session: Session, series_ids: Iterable[int]) -> Known:
    """What the hosts of these series know."""
    rows = session.execute(
        sa.select(SeriesHost.series_id, SeriesHost.account_id, SeriesHost.components).where(
            SeriesHost.series_id.in_(sorted(set(series_ids)))
        )
    )
    return Known({(series_id, account_id): known for series_id, account_id, known in rows})
