"""The hours at which embargoes end, as iCalendar (RFC 5545): references only."""

from collections.abc import Sequence
from datetime import timedelta

from portal.reports.models import Disclosure
from portal.reports.states import HELD

PRODUCT = "-//Research challenge portal//Embargoes//EN"


def calendar(rows: Sequence[Disclosure], slug: str, portal: str) -> bytes:
    """One event for each agreed hour. `portal` is the portal's address; a moved hour keeps its UID."""
    import icalendar  # what draws no calendar need not load it

    made = icalendar.Calendar()
    made.add("prodid", PRODUCT)
    made.add("version", "2.0")
    for row in rows:
        if row.state not in HELD or row.embargo_until is None or row.agreed_at is None:
            continue
        event = icalendar.Event()
        event.add("uid", f"embargo-{row.id}@{slug}")
        event.add("dtstamp", row.agreed_at)
        event.add("sequence", len(row.proposals))
        event.add("dtstart", row.embargo_until)
        event.add("duration", timedelta(minutes=30))
        event.add("summary", f"Embargo ends: {row.report.ref}")
        event.add("url", f"{portal.rstrip('/')}/staff/{slug}/reports/{row.report.ref}/disclosure")
        event.add("transp", "TRANSPARENT")
        made.add_component(event)
    text: bytes = made.to_ical()
    return text
