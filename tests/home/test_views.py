"""The landing page, what to do next, and the engine room."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts import personal
from portal.accounts.gate import Audience, only
from portal.accounts.models import Account, RoleGrant
from portal.accounts.states import Role
from portal.challenges import actions
from portal.core import audit, outbox
from portal.core.audit import AuditEntry
from portal.core.jobs import Job, JobRun, perform
from portal.core.mail import Folder, message
from portal.core.outbox import MailState, OutgoingMail
from portal.core.todo import Queue
from portal.home.rooms import queues
from tests.access import objects
from tests.cast import NOON, SLUG, Cast, make_account, make_challenge, sign_in


@pytest.fixture
def operator(session: Session, cast: Cast) -> Account:
    """An admin of every challenge."""
    return make_account(session, "Olga Operator", Role.ADMIN, scope="*")


# For everybody


def test_the_landing_page_shows_what_is_open_and_what_is_out(client: FlaskClient, cast: Cast, session: Session) -> None:
    finished = make_challenge(session, "finished", "Finished Challenge")
    finished.results_released_at, finished.apply_until = NOON - timedelta(days=1), NOON - timedelta(days=30)

    page = client.get("/").text

    assert f'href="/challenges/{SLUG}/apply"' in page
    assert 'href="/challenges/finished/results"' in page
    assert 'href="/challenges/finished/apply"' not in page
    assert f'href="/challenges/{SLUG}/results"' not in page
    assert 'href="/account/sign-up"' in page


def test_an_empty_portal_says_what_will_be_here(client: FlaskClient) -> None:
    assert "The first challenge will be announced here." in client.get("/").text


def test_the_privacy_page_is_made_of_the_lines_of_the_rooms(client: FlaskClient) -> None:
    page = client.get("/privacy").text
    assert len(personal.kept) >= 5
    for line in personal.kept:
        assert line.what.replace("'", "&#39;") in page
        assert line.how_long.replace("'", "&#39;") in page


# What to do next


def test_a_participant_sees_what_is_theirs_to_do(client: FlaskClient, cast: Cast, session: Session) -> None:
    actions.publish_agreement(session, cast.challenge, title="New", body="Other words.", by=1, at=NOON)
    sign_in(client, cast.researcher)

    page = client.get("/home").text

    assert "Sign the agreement" in page
    assert f'href="/challenges/{SLUG}/kit"' in page
    assert 'href="/staff/"' not in page


def test_whoever_does_not_take_part_sees_where_to_apply(client: FlaskClient, cast: Cast) -> None:
    sign_in(client, cast.stranger)

    page = client.get("/home").text

    assert f'href="/challenges/{SLUG}/apply"' in page
    assert f'href="/challenges/{SLUG}/kit"' not in page


def test_staff_see_the_way_to_their_area(client: FlaskClient, cast: Cast, session: Session) -> None:
    make_challenge(session, "other", "Other Challenge")
    sign_in(client, cast.logistics)

    assert f'href="/staff/{SLUG}/"' in client.get("/home").text
    page = client.get("/staff/").text
    assert f'href="/staff/{SLUG}/"' in page
    assert 'href="/staff/other/"' not in page
    assert client.get("/staff/other/").status_code == 403


# The staff's home


def test_queues_are_those_of_ones_roles(client: FlaskClient, cast: Cast) -> None:
    sign_in(client, cast.logistics)
    page = client.get(f"/staff/{SLUG}/").text
    assert "Participants without a parcel" in page
    assert "Applications without a review" not in page

    sign_in(client, cast.reviewer)
    page = client.get(f"/staff/{SLUG}/").text
    assert "Applications without a review" in page
    assert "Participants without a parcel" not in page


# The engine room


def test_jobs_tell_how_their_last_run_went(client: FlaskClient, session: Session, operator: Account) -> None:
    def fails(_session: Session, _at: object) -> int:
        raise ValueError("no disk")

    sign_in(client, operator)
    assert "No worker has ever run" in client.get("/staff/jobs").text
    perform(session, Job("heartbeat", 10, lambda _session, _at: 0), NOON)
    for _ in range(2):
        perform(session, Job("kits: poll", 60, fails), NOON)

    page = client.get("/staff/jobs").text

    assert "The worker ticks" in page
    assert "ValueError: no disk" in page
    assert "failed 2 times" in page


def test_a_silent_worker_is_noticed(client: FlaskClient, session: Session, operator: Account) -> None:
    perform(session, Job("heartbeat", 10, lambda _session, _at: 0), NOON - timedelta(minutes=5))
    sign_in(client, operator)

    assert "The worker is silent" in client.get("/staff/jobs").text


def dead_letter(session: Session) -> OutgoingMail:
    outbox.post(session, "accounts/address_changed", to="gone@example.org", key="x", at=NOON, context={"name": "G"})
    mail = session.scalars(sa.select(OutgoingMail)).one()
    mail.state, mail.tries, mail.error = MailState.FAILED, 10, "SMTPServerDisconnected: gone"
    session.commit()
    return mail


def test_a_dead_letter_is_sent_again(client: FlaskClient, session: Session, operator: Account) -> None:
    mail = dead_letter(session)
    sign_in(client, operator)
    assert "SMTPServerDisconnected: gone" in client.get("/staff/mail?state=failed").text
    path = f"/staff/mail/{mail.id}/send-again"

    assert client.post(path).location == "/staff/mail?state=failed"

    session.refresh(mail)
    assert (mail.state, mail.tries, mail.error) == (MailState.QUEUED, 0, None)
    assert [entry.tag for entry in session.scalars(sa.select(AuditEntry))] == ["home:send-mail-again"]
    assert client.post(path).status_code == 409
    assert client.post("/staff/mail/9999/send-again").status_code == 404


def test_mails_are_filtered(client: FlaskClient, session: Session, operator: Account) -> None:
    dead_letter(session)
    outbox.post(session, "accounts/welcome", to="new@example.org", key="y", at=NOON)
    sign_in(client, operator)

    assert "gone@example.org" not in client.get("/staff/mail?state=queued").text
    assert "new@example.org" not in client.get("/staff/mail?to=Gone@example.org").text
    assert client.get("/staff/mail?state=odd").status_code == 404
    assert client.get("/staff/mail?after=odd").status_code == 404


def test_no_mail_is_read_outside_a_demonstration(
    app: Flask, client: FlaskClient, session: Session, operator: Account
) -> None:
    mail = dead_letter(session)
    config = app.extensions["portal.config"]
    Folder(Path(config.mail_url.removeprefix("folder:"))).send(message(mail, config))
    sign_in(client, operator)

    assert client.get(f"/staff/mail/{mail.id}").status_code == 404


@pytest.fixture
def demonstration(app: Flask) -> Iterator[None]:
    """The application as it is where the demonstration is loaded."""
    config = app.extensions["portal.config"]
    audiences = app.extensions["portal.audiences"]
    app.extensions["portal.config"] = replace(config, demonstration=True)
    audiences.update(dict.fromkeys(["home.mail", "home.show_mail"], Audience(roles=frozenset(Role), anywhere=True)))
    yield
    app.extensions["portal.config"] = config
    for endpoint in ("home.mail", "home.show_mail"):
        del audiences[endpoint]


@pytest.mark.usefixtures("demonstration")
def test_in_a_demonstration_the_staff_read_mails(app: Flask, client: FlaskClient, session: Session, cast: Cast) -> None:
    mail = dead_letter(session)
    config = app.extensions["portal.config"]
    Folder(Path(config.mail_url.removeprefix("folder:"))).send(message(mail, config))
    sign_in(client, cast.reviewer)

    assert "The address of your account was changed" in client.get("/staff/mail").text
    page = client.get(f"/staff/mail/{mail.id}").text
    assert "gone@example.org" in page
    assert "Your account at the research challenge now has another e-mail address." in page
    assert client.post(f"/staff/mail/{mail.id}/send-again").status_code == 403
    sign_in(client, cast.researcher)
    assert client.get("/staff/mail").status_code == 403


def test_the_audit_is_filtered_and_paged(client: FlaskClient, session: Session, operator: Account, cast: Cast) -> None:
    for number in range(1, 61):
        audit.record(session, "kits:pack", f"shipment:{number}", by=cast.logistics.id, at=NOON, scope=SLUG)
    audit.record(session, "accounts:create", "account:1", by=None, at=NOON)
    session.commit()
    sign_in(client, operator)

    page = client.get(f"/staff/audit?scope={SLUG}").text
    assert page.count("kits:pack") == 50
    assert "accounts:create" not in page
    onward = page.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    assert client.get(onward).text.count("kits:pack") == 10
    assert client.get("/staff/audit?subject=shipment:7").text.count("kits:pack") == 1
    page = client.get("/staff/audit?subject=account").text
    assert "accounts:create" in page
    assert "kits:pack" not in page
    assert cast.logistics.email in client.get("/staff/audit?subject=shipment:7").text


def test_pages_of_no_challenge_are_for_roles_that_hold_everywhere(
    client: FlaskClient, cast: Cast, session: Session
) -> None:
    sign_in(client, cast.admin)
    for path in ("/staff/jobs", "/staff/mail", "/staff/audit"):
        assert client.get(path).status_code == 403
    session.add(RoleGrant(account_id=cast.admin.id, role=Role.ADMIN, scope="*", granted_at=NOON))
    for path in ("/staff/jobs", "/staff/mail", "/staff/audit"):
        assert client.get(path).status_code == 200


def test_an_audience_without_a_challenge_may_count_roles_anywhere() -> None:
    @only(Role.HOST, anywhere=True)
    def view() -> None: ...

    assert view.audience == Audience(roles=frozenset({Role.HOST}), anywhere=True)  # type: ignore[attr-defined]


def test_the_home_page_costs_the_same_for_ten_more_mails(
    client: FlaskClient, cast: Cast, session: Session, statements: list[str], operator: Account
) -> None:
    sign_in(client, operator)
    client.get("/staff/mail")
    statements.clear()
    client.get("/staff/mail")
    before = len(statements)
    for number in range(10):
        outbox.post(session, "accounts/welcome", to="new@example.org", key=f"k{number}", at=NOON)
    session.commit()
    statements.clear()

    client.get("/staff/mail")

    assert len(statements) == before


def test_reports_are_among_what_is_to_do(client: FlaskClient, cast: Cast, session: Session) -> None:
    report = objects.upload(objects.World(session, cast))
    sign_in(client, cast.researcher)
    assert f"Finish sending {report['ref']}" in client.get("/home").text

    sign_in(client, cast.triager)
    assert "Reports to acknowledge" in client.get(f"/staff/{SLUG}/").text


def test_an_admin_is_told_of_dead_letters_and_failed_jobs(client: FlaskClient, session: Session, cast: Cast) -> None:
    outbox.post(session, "accounts/welcome", to="gone@example.org", key="gone", at=NOON)
    session.execute(sa.update(OutgoingMail).values(state=MailState.FAILED))
    session.add(JobRun(name="tests", started_at=NOON, duration_ms=1, rows=0, next_at=NOON, error="Boom", failures=1))
    session.commit()
    sign_in(client, cast.admin)

    page = client.get(f"/staff/{cast.slug}/").text

    assert "Mails that could not be delivered" in page
    assert "Jobs that failed" in page
    assert queues(session, cast.challenge, cast.admin, frozenset({Role.ADMIN}), NOON)[-4:] == [
        Queue("Mails that could not be delivered", "/staff/mail?state=failed", 1, NOON),
        Queue("Jobs that failed", "/staff/jobs", 1),
        Queue("Keys about to expire", "/staff/keys", 0),
        Queue("security.txt to sign", "/staff/keys/security-txt", 0),
    ]
