"""Results come out for everybody and everywhere at one second, which two people have set, and not before."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.accounts.gate import audience_of
from portal.awards.states import Quality
from portal.core.audit import AuditEntry
from portal.core.errors import Conflict, Invalid, Refused
from portal.core.outbox import OutgoingMail
from portal.reports.actions import publications
from portal.reports.actions.publications import Link, Thanks
from portal.reports.models import Report
from portal.reports.queries import reports
from portal.reports.states import LIST, Credit, PublicationKind, ReportState
from portal.results import actions, queries, rules
from portal.results.actions import Hour
from portal.results.models import ResultsRelease
from portal.results.states import ReleaseState
from tests.awards.conftest import Jury
from tests.cast import NOON, SLUG, Cast, sign_in
from tests.conftest import Clock
from tests.reports.press import Press
from tests.results.conftest import AFTER

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
STAFF = f"/staff/{SLUG}/results"
LATER = AFTER + 3 * DAY


def proposed(session: Session, cast: Cast, release_at: datetime | None = LATER, at: datetime = AFTER) -> ResultsRelease:
    made = actions.propose_release(session, cast.challenge, Hour(release_at, "UTC"), by=cast.lead.id, at=at)
    session.commit()
    return made


def confirm(session: Session, cast: Cast, at: datetime = AFTER) -> None:
    found = queries.release_of(session, cast.challenge.id)
    actions.confirm_release(session, cast.challenge, found, by=cast.admin.id, at=at)
    session.commit()


def test_two_people_set_the_hour(session: Session, cast: Cast, mails: Callable[[], list[OutgoingMail]]) -> None:
    made = proposed(session, cast)
    with pytest.raises(Refused, match="Somebody else confirms"):
        actions.confirm_release(session, cast.challenge, made, by=cast.lead.id, at=AFTER)
    session.rollback()
    confirm(session, cast)

    assert cast.challenge.results_released_at == LATER
    assert [rules.released(cast.challenge, at) for at in (LATER - SECOND, LATER)] == [False, True]
    assert [(each.template, each.to) for each in mails()] == [("results/confirm", cast.admin.email)]
    with pytest.raises(Refused, match="released already"):
        proposed(session, cast)


def test_before_the_end_only_an_hour_after_it(session: Session, cast: Cast) -> None:
    for release_at, kind in ((None, Refused), (AFTER - 60 * DAY, Refused), (NOON - DAY, Invalid)):
        with pytest.raises(kind):
            proposed(session, cast, release_at, at=NOON)
        session.rollback()
    proposed(session, cast, AFTER, at=NOON)
    confirm(session, cast, at=NOON)
    assert cast.challenge.results_released_at == AFTER


def test_confirmed_too_late_they_come_out_at_once(session: Session, cast: Cast) -> None:
    proposed(session, cast)
    confirm(session, cast, at=LATER + DAY)
    assert cast.challenge.results_released_at == LATER + DAY


def test_cancelled_and_set_anew(session: Session, cast: Cast) -> None:
    made = proposed(session, cast)
    confirm(session, cast)
    actions.cancel_release(session, cast.challenge, made, by=cast.lead.id, at=LATER - SECOND)
    session.commit()
    assert (cast.challenge.results_released_at, made.state) == (None, ReleaseState.CANCELLED)
    proposed(session, cast, LATER + 2 * DAY)
    confirm(session, cast)
    assert cast.challenge.results_released_at == LATER + 2 * DAY
    tags = session.scalars(
        sa.select(AuditEntry.tag).where(AuditEntry.tag.startswith("results:")).order_by(AuditEntry.id)
    )
    assert list(tags) == [
        "results:propose-release", "results:release", "results:cancel-release", "results:propose-release",
        "results:release",
    ]  # fmt: skip


def test_what_is_out_is_out(session: Session, cast: Cast) -> None:
    made = proposed(session, cast)
    confirm(session, cast)
    with pytest.raises(Refused, match="cannot be taken back"):
        actions.cancel_release(session, cast.challenge, made, by=cast.lead.id, at=LATER)


def test_the_second_of_two_who_confirm_or_cancel_loses(session: Session, cast: Cast) -> None:
    made = proposed(session, cast)
    seen = ResultsRelease(
        id=made.id, challenge_id=made.challenge_id, state=ReleaseState.PROPOSED, release_at=LATER, zone="UTC",
        proposed_by_id=cast.lead.id,
    )  # fmt: skip
    confirm(session, cast)
    with pytest.raises(Conflict):
        actions.cancel_release(session, cast.challenge, seen, by=cast.admin.id, at=AFTER)
    session.rollback()
    assert cast.challenge.results_released_at == LATER


def test_the_database_wants_four_eyes_and_one_release(session: Session, cast: Cast) -> None:
    made = proposed(session, cast)
    with pytest.raises(Conflict, match="just proposed"):
        actions.propose_release(session, cast.challenge, Hour(LATER), by=cast.admin.id, at=AFTER)
    session.rollback()
    with pytest.raises(IntegrityError, match="four_eyes"):
        session.execute(
            sa.update(ResultsRelease)
            .where(ResultsRelease.id == made.id)
            .values(state=ReleaseState.CONFIRMED, decided_by_id=cast.lead.id, decided_at=AFTER)
        )
    session.rollback()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"day": "2021-03-14", "hour": "02:30"}, "Clocks there jump"),
        ({"day": "2020-11-01", "hour": "01:30"}, "comes twice"),
        ({"day": ""}, "Choose a day"), ({"hour": ""}, "Choose an hour"), ({"zone": "x"}, "time zone from the list"),
        ({"day": "2020-06-20"}, "This hour is over"), ({"when": "never"}, "Not a valid choice"),
    ],
)  # fmt: skip
def test_hours_that_are_none(
    client: FlaskClient, session: Session, cast: Cast, clock: Clock, changes: dict[str, str], words: str
) -> None:
    clock.at = AFTER
    sign_in(client, cast.lead)
    form = {"when": "hour", "day": "2020-10-09", "hour": "09:00", "zone": "America/Los_Angeles"}
    page = client.post(f"{STAFF}/release", data=form | changes)
    assert (page.status_code, words in page.text) == (422, True)
    assert client.post(f"{STAFF}/release", data=form).status_code == 302
    assert queries.release_of(session, cast.challenge.id).release_at == datetime(2020, 10, 9, 16, tzinfo=UTC)
    sign_in(client, cast.admin)
    assert "Releases of results to confirm" in client.get(f"/staff/{SLUG}/").text
    assert client.post(f"{STAFF}/release/cancel").status_code == 302
    assert client.post(f"{STAFF}/release/cancel").status_code == 404


# Words of what is kept back: figures, names, an advisory, a publication.
SECRETS = ("62,300", "62300", "48000", "48,000", "Rosa the Kestrel", "Rosa of the North", "Applications gain rights",
           "A way in", "CVE-2020-1", "portal-2020-0001", "PORTAL-2020-0001", "2020-10-09", "9 Oct 2020")  # fmt: skip


def everything(session: Session, cast: Cast, jury: Jury) -> None:
    """A challenge with something to tell at every public address."""
    actions.consent(session, cast.member, "Rosa the Kestrel", at=NOON)
    press, report = (
        Press(session, cast),
        session.scalars(sa.select(Report).where(Report.state == ReportState.FIXED)).one(),
    )
    press.agree(report)
    made = press.draft([report])
    press.move(press.move(made, "ready"), "publish", at=AFTER)
    thanks = Thanks(Credit.NAMED, "Rosa of the North")
    publications.thank(session, reports.draft(session, report.id), cast.member, thanks, at=NOON)
    link = Link("A way in", "https://blog.example/", PublicationKind.POST, NOON.date(), (report.id,))
    handed = publications.submit(
        session, cast.challenge, link, participant_id=cast.participant.id, by=cast.researcher.id, at=NOON
    )
    publications.decide(session, cast.challenge, handed, LIST, "", by=cast.triager.id, at=NOON)
    session.commit()
    proposed(session, cast)
    confirm(session, cast)


# Public addresses that name something else than a challenge or an advisory, and can tell nothing of one.
ELSEWHERE = (
    "static",
    "security.",
    "bootstrap.",
    "health.",
    "reports.upload_options",
    "kits.",
    "office_hours.",
    "line.",
)


def public_addresses(app: Flask) -> list[str]:
    """Every address that is open to everyone."""
    values: dict[str, Any] = {"slug": SLUG, "ident": "PORTAL-2020-0001", "year": 2020}
    found = []
    for rule in app.url_map.iter_rules():
        audience = audience_of(app, rule.endpoint)
        if not (audience and audience.everyone and "GET" in (rule.methods or ())):
            continue
        if rule.endpoint.startswith(ELSEWHERE):
            continue
        names = {
            "reports.csaf_list": ("index.txt", "changes.csv"),
            "reports.csaf_file": [f"portal-2020-0001.json{end}" for end in ("", ".sha256", ".sha512", ".asc")],
        }
        for name in names.get(rule.endpoint, ("x",)):
            given = {**values, "name": name}
            wanted = {key: given[key] for key in rule.arguments if key in given}
            if wanted.keys() == rule.arguments:
                found.append(app.url_map.bind("localhost").build(rule.endpoint, wanted))
    return sorted(set(found))


def test_every_public_address_tells_nothing_a_second_before_and_everything_at_the_second(
    app: Flask, client: FlaskClient, session: Session, cast: Cast, jury: Jury, clock: Clock
) -> None:
    everything(session, cast, jury)
    addresses = public_addresses(app)
    told = [f"/challenges/{SLUG}/{name}" for name in (
        "results", "results.json", "results.csv", "results.svg", "acknowledgements", "publications", "advisories/",
        "advisories/PORTAL-2020-0001", "advisories/PORTAL-2020-0001.json",
    )]  # fmt: skip
    told += ["/.well-known/csaf/white/index.txt", "/.well-known/csaf/white/changes.csv",
             "/.well-known/csaf/white/2020/portal-2020-0001.json"]  # fmt: skip
    assert set(told) <= set(addresses)

    clock.at = LATER - SECOND
    before = {}
    for person in (None, cast.stranger, cast.researcher, cast.triager):
        sign_in(client, person)
        for address in addresses:
            answer = client.get(address)
            shown = answer.text.replace('value="Rosa the Kestrel"', "").replace("“Rosa the Kestrel”", "")
            assert [word for word in SECRETS if word in shown] == [], (address, person)
            assert answer.headers.get("Cache-Control") in ("no-cache", "no-store"), address
            if person is None:
                before[address] = answer
    assert [before[address].status_code for address in told[:9]] == [404] * 9
    assert not any("ETag" in before[address].headers for address in told[:9])

    clock.at = LATER
    sign_in(client, None)
    for address in told:
        tag = before[address].headers.get("ETag")
        answer = client.get(address, headers={"If-None-Match": tag} if tag else {})
        assert answer.status_code == 200, address
        assert any(word in answer.text for word in SECRETS), address
    assert f"/challenges/{SLUG}/results" in client.get("/").text


def test_a_challenge_whose_hour_is_set_looks_like_one_without(
    client: FlaskClient, session: Session, cast: Cast, jury: Jury, clock: Clock
) -> None:
    pages = ("/", *(f"/challenges/{SLUG}/{name}" for name in ("", "results", "results.json", "advisories/")),
             f"/challenges/{SLUG}/publications", "/.well-known/csaf/white/")  # fmt: skip
    clock.at = LATER - SECOND
    without = [client.get(page).data for page in pages]
    everything(session, cast, jury)
    assert [client.get(page).data for page in pages] == without


def test_an_award_that_is_decided_later_is_told(
    client: FlaskClient, session: Session, cast: Cast, jury: Jury, clock: Clock
) -> None:
    cast.challenge.results_released_at = NOON - DAY
    session.commit()
    page = client.get(f"/challenges/{SLUG}/results").text
    assert "An award was decided on after the release" in page
    cast.challenge.results_released_at = NOON + 300 * DAY
    session.commit()
    assert queries.changed_after(session, cast.challenge) is None
    jury.award(jury.report(), Quality.LOW)


def test_the_picture_and_the_table_tell_the_same(
    client: FlaskClient, session: Session, cast: Cast, jury: Jury, clock: Clock
) -> None:
    cast.challenge.results_released_at, clock.at = AFTER, AFTER
    cast.challenge.title = "A <challenge> & more"
    session.commit()
    picture = client.get(f"/challenges/{SLUG}/results.svg")
    assert picture.mimetype == "image/svg+xml"
    assert "A &lt;challenge&gt; &amp; more" in picture.text
    assert "$62,300 awarded, 3 awards from $3,300 to $48,000" in picture.text
    rows = dict(line.split(",", 1) for line in client.get(f"/challenges/{SLUG}/results.csv").text.splitlines())
    assert (rows["awarded.amount"], rows["submissions"], rows["scenarios_achieved"]) == ("62300.00", "8", "G1 G2")


def test_a_link_of_who_is_thanked(client: FlaskClient, cast: Cast, clock: Clock, session: Session) -> None:
    address = f"/challenges/{SLUG}/acknowledgements"
    sign_in(client, cast.researcher)
    assert client.post(address, data={"name": "Rosa", "url": "http://rosa.example"}).status_code == 422
    assert client.post(address, data={"name": "Rosa", "url": "https://rosa.example"}).status_code == 302
    cast.challenge.results_released_at = NOON
    session.commit()
    assert '<a href="https://rosa.example" rel="noopener nofollow ugc">Rosa</a>' in client.get(address).text
