"""Results over HTTP: nothing before they are released, and nobody named who did not ask for it."""

import re

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.core.audit import AuditEntry
from portal.results.models import Acknowledgement
from tests.awards.conftest import Jury
from tests.cast import Cast, sign_in
from tests.conftest import Clock
from tests.results.conftest import AFTER

PUBLIC = "/challenges/test-challenge"
STAFF = "/staff/test-challenge/results"
NOW = {"when": "confirmed"}


def release(client: FlaskClient, cast: Cast, clock: Clock) -> None:
    clock.at = AFTER
    sign_in(client, cast.lead)
    assert client.post(f"{STAFF}/release", data=NOW).status_code == 302
    sign_in(client, cast.admin)
    assert client.post(f"{STAFF}/release/confirm").status_code == 302
    sign_in(client, None)


def test_nothing_is_seen_before_the_release(client: FlaskClient, session: Session, cast: Cast, jury: Jury) -> None:
    session.add(Acknowledgement(member_id=cast.member.id, name="Rosa the Kestrel", given_at=AFTER))
    for person in (None, cast.stranger, cast.researcher, cast.triager, cast.finance, cast.admin, cast.lead):
        sign_in(client, person)
        page, data = client.get(f"{PUBLIC}/results"), client.get(f"{PUBLIC}/results.json")
        assert (page.status_code, data.status_code) == (404, 404)
        assert "48,000" not in page.text
        assert "62300" not in data.text
        assert "ETag" not in data.headers
    for person in (None, cast.stranger, cast.lead):
        sign_in(client, person)
        assert client.get(f"{PUBLIC}/acknowledgements").status_code == 404
    sign_in(client, cast.colleague)
    assert "Kestrel" not in client.get(f"{PUBLIC}/acknowledgements").text.replace("Team Kestrel", "")


def test_a_release_in_the_future_is_none_yet(client: FlaskClient, session: Session, cast: Cast, clock: Clock) -> None:
    cast.challenge.results_released_at = AFTER
    assert client.get(f"{PUBLIC}/results.json").status_code == 404
    clock.at = AFTER
    assert client.get(f"{PUBLIC}/results.json").status_code == 200


def test_no_bar_of_the_timeline_sticks_out(
    client: FlaskClient, session: Session, cast: Cast, jury: Jury, clock: Clock
) -> None:
    release(client, cast, clock)
    [timeline] = re.findall(r"chart-spans.*?</figure>", client.get(f"{PUBLIC}/results").text, re.DOTALL)
    bars = [(float(x), float(width)) for x, width in re.findall(r'x="([\d.]+)%" width="([\d.]+)%"', timeline)]

    assert len(bars) >= 4
    assert all(x >= 0 and width >= 1.2 and x + width <= 100.01 for x, width in bars), bars
    # The results are the last day of all, and a day is too short to be seen.
    assert bars[-1] == (98.8, 1.2)


def test_one_proposes_and_another_releases(
    client: FlaskClient, session: Session, cast: Cast, jury: Jury, clock: Clock
) -> None:
    sign_in(client, cast.lead)
    page = client.get(STAFF).text
    assert "$62,300" in page
    assert "2 reports are open, 1 award is proposed" in page
    assert client.post(f"{STAFF}/release", data=NOW).status_code == 422
    clock.at = AFTER
    assert "Propose the release" in client.get(STAFF).text
    for path in ("release", "release/confirm", "release/cancel"):
        assert client.get(f"{STAFF}/{path}").status_code == 405
    assert client.post(f"{STAFF}/release/confirm").status_code == 404
    assert client.post(f"{STAFF}/release", data=NOW).status_code == 302
    assert client.post(f"{STAFF}/release", data=NOW).status_code == 409
    assert "Somebody else confirms it" in client.get(STAFF).text
    assert client.post(f"{STAFF}/release/confirm").status_code == 422
    assert client.get(f"{PUBLIC}/results").status_code == 404
    sign_in(client, cast.admin)
    assert "Confirm the release" in client.get(STAFF).text
    assert client.post(f"{STAFF}/release/confirm").status_code == 302
    for path in ("release/confirm", "release/cancel"):
        assert client.post(f"{STAFF}/{path}").status_code == 422
    assert client.post(f"{STAFF}/release", data=NOW).status_code == 422

    entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.tag == "results:release")).one()
    assert (entry.actor_id, entry.scope, entry.detail["after"]["eligible"]) == (cast.admin.id, cast.slug, 3)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("POST", "/release"), ("POST", "/release/confirm"), ("POST", "/release/cancel")]
)
def test_the_preview_is_for_leads_and_admins(client: FlaskClient, cast: Cast, method: str, path: str) -> None:
    for name in ("researcher", "reviewer", "logistics", "host", "triager", "finance"):
        sign_in(client, getattr(cast, name))
        assert client.open(STAFF + path, method=method).status_code == 403, name
    sign_in(client, None)
    assert client.open(STAFF + path, method=method).status_code == 302


def test_the_json_has_exactly_these_names(client: FlaskClient, cast: Cast, jury: Jury, clock: Clock) -> None:
    release(client, cast, clock)

    answer = client.get(f"{PUBLIC}/results.json")

    assert answer.json == {
        "challenge": "test-challenge", "applications": 1, "participants": 3, "countries": 2, "submissions": 8,
        "improvements": 4, "critical_or_important": 4, "eligible": 3,
        "awarded": {"amount": "62300.00", "currency": "USD", "max": "48000.00", "min": "3300.00"},
        "by_design": 1, "scenarios_achieved": ["G1", "G2"],
        "by_outcome": {"fixed": 2, "confirmed": 2, "by_design": 1, "duplicate": 1, "not_reproducible": 0,
                       "out_of_scope": 0, "unreadable": 0, "open": 2},
        "by_severity": {"critical": 2, "important": 2, "moderate": 0, "low": 1, "unrated": 3},
        "median_days_to_fix": 53.5, "median_days_to_fix_critical": 36.0,
        "days_to_fix_most_serious_chain": None, "teams": 1, "single_researchers": 1,
        "as_of": "2020-10-06T16:00:00Z",
    }  # fmt: skip
    same = client.get(f"{PUBLIC}/results.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert same.status_code == 304


def test_the_page_tells_the_same_to_everybody(client: FlaskClient, cast: Cast, jury: Jury, clock: Clock) -> None:
    release(client, cast, clock)
    for person in (None, cast.stranger, cast.researcher):
        sign_in(client, person)
        page = client.get(f"{PUBLIC}/results")
        assert page.status_code == 200
        for words in ("$62,300", "$48,000", "from 2 countries", "20.08", "By design", "53.5 days"):
            assert words in page.text
        for secret in ("Rosa Researcher", "Team Kestrel", "R-0001", "A neutral title", "The firewall"):
            assert secret not in page.text.replace("Execute", "")
    assert client.post(f"{PUBLIC}/results").status_code == 405
    assert client.get("/challenges/nowhere/results").status_code == 404
    assert client.get("/challenges/nowhere/results.json").status_code == 404


def test_a_member_is_named_as_they_wish_and_until_they_wish(
    client: FlaskClient, session: Session, cast: Cast, jury: Jury, clock: Clock
) -> None:
    url = f"{PUBLIC}/acknowledgements"
    sign_in(client, cast.researcher)
    assert "Not so far" in client.get(url).text
    assert client.post(url, data={"name": " "}).status_code == 422
    assert client.post(url, data={"name": "Rosa the Kestrel"}).status_code == 302
    assert client.post(url, data={"name": "<b>Rosa</b> of the North"}).status_code == 302
    release(client, cast, clock)

    page = client.get(url).text
    assert ("&lt;b&gt;Rosa&lt;/b&gt; of the North" in page, "the Kestrel" in page, "Cem" in page) == (
        True,
        False,
        False,
    )
    sign_in(client, cast.researcher)
    assert client.post(f"{url}/withdraw").status_code == 302
    assert client.post(f"{url}/withdraw").status_code == 302
    sign_in(client, None)
    assert "of the North" not in client.get(url).text
    trail = session.scalars(sa.select(AuditEntry).where(AuditEntry.tag.startswith("results:")).order_by(AuditEntry.id))
    found = [(entry.tag, str(entry.detail)) for entry in trail]
    assert [tag for tag, _ in found] == [
        "results:consent", "results:consent", "results:propose-release", "results:release",
        "results:withdraw-consent",
    ]  # fmt: skip
    assert "Rosa" not in "".join(detail for _, detail in found)


def test_only_members_consent(client: FlaskClient, cast: Cast) -> None:
    url = f"{PUBLIC}/acknowledgements"
    for path in (url, f"{url}/withdraw"):
        sign_in(client, None)
        assert client.post(path).status_code == 302
        for person in (cast.stranger, cast.lead, cast.applicant):
            sign_in(client, person)
            assert client.post(path, data={"name": "Me"}).status_code == 404
        assert client.get(f"{url}/withdraw").status_code == 405
