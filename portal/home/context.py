"""What every page knows: who looks, where they can go, whether this is a demonstration."""

from typing import Any, NamedTuple

from flask import Flask, request, url_for

from portal.accounts.current import maybe_account
from portal.accounts.gate import Audience, declare, may_open, my_roles
from portal.accounts.states import Role
from portal.challenges.queries import takes_part
from portal.challenges.queries.news import unread_count
from portal.config import Config
from portal.core import clock
from portal.core.db import db


class Link(NamedTuple):
    """One entry of a navigation."""

    label: str
    url: str
    current: bool
    unread: int = 0


# Label and endpoint of each part of a challenge's area and of its staff area, in the order of the work. An entry is
# shown when the endpoint exists and the gate would open it; of several with one label the first of these.
CHALLENGE = (
    ("Overview", "challenges.show"),
    ("Rules", "challenges.rules"),
    ("Apply", "applications.apply"),
    ("Results", "results.show"),
)
PARTICIPANT = (
    ("Overview", "challenges.show"),
    ("Rules", "challenges.rules"),
    ("Kit", "kits.mine"),
    ("Office hours", "office_hours.mine"),
    ("Resources", "challenges.resources"),
    ("Reports", "reports.index"),
    ("Line", "line.mine"),
    ("Awards", "awards.mine"),
    ("Results", "results.show"),
)
STAFF = (
    ("Overview", "home.staff"),
    ("Applications", "selection.queue"),
    ("Triage", "selection.triage"),
    ("Review", "selection.review"),
    ("Selection", "selection.selection"),
    ("Waves", "selection.waves"),
    ("Kits", "kits.stock"),
    ("Shipments", "kits.shipments"),
    ("Shipments", "kits.numbers"),
    ("Shipments", "kits.policies"),
    ("Office hours", "office_hours.staff"),
    ("Reports", "reports.queue"),
    ("Reports", "reports.promptness"),
    ("Reports", "reports.clocks"),
    ("Reports", "reports.releases"),
    ("Reports", "reports.templates"),
    ("Reports", "reports.cases"),
    ("Reports", "reports.staff_known"),
    ("Reports", "reports.staff_capabilities"),
    ("Disclosures", "reports.disclosures"),
    ("Line", "line.inbox"),
    ("Awards", "awards.index"),
    ("Results", "results.staff"),
    ("Resources", "challenges.staff_resources"),
    ("People", "challenges.people"),
    ("Settings", "challenges.settings"),
)
# The staff pages that belong to no challenge.
PORTAL = (
    ("Challenges", "home.staff_challenges"),
    ("Mail", "home.mail"),
    ("Jobs", "home.jobs"),
    ("Audit", "home.audit"),
    ("Keys", "reports.publish_keys"),
)


def _links(app: Flask, entries: tuple[tuple[str, str], ...], slug: str | None) -> list[Link]:
    here = request.path
    found: dict[str, Link] = {}
    for label, endpoint in entries:
        if endpoint in app.view_functions and may_open(endpoint, slug):
            url = url_for(endpoint, slug=slug) if slug else url_for(endpoint)
            overview = url.count("/") <= 3 and url.endswith("/")
            current = here == url or (not overview and here.startswith(url.rstrip("/") + "/"))
            first = found.get(label, Link(label, url, current))
            found[label] = first._replace(current=first.current or current)
    return list(found.values())


def init_context(app: Flask, config: Config) -> None:
    """Give the templates what every page shows."""
    if config.demonstration:
        # Nobody's mail is real there, and whoever tries the portal out wants to read what it sends.
        declare(app, Audience(roles=frozenset(Role), anywhere=True), ["home.mail", "home.show_mail"])

    def navigation() -> list[Link]:
        slug = (request.view_args or {}).get("slug") if request else None
        if not slug:
            return _links(app, PORTAL, None) if request and request.path.startswith("/staff/") else []
        if request.path.startswith("/staff/"):
            return _links(app, STAFF, slug)
        account = maybe_account()
        inside = account is not None and takes_part(db.session, slug, account.id)
        if account is None or not inside:
            return _links(app, CHALLENGE, slug)
        unread = unread_count(db.session, slug, account.id, clock.now())
        links = _links(app, PARTICIPANT, slug)
        return [link._replace(unread=unread) if link.label == "Resources" else link for link in links]

    @app.context_processor
    def context() -> dict[str, Any]:
        if not request:
            return {}
        return {
            "person": maybe_account(),
            "roles": my_roles((request.view_args or {}).get("slug")),
            "demonstration": config.demonstration,
            "navigation": navigation(),
            "now": clock.now(),
        }
