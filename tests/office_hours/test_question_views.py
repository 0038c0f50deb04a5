"""The pages around a sealed question, with real gpg on both sides, and where no secret may ever stand."""

import html
import io
import os
import re
import subprocess
import tarfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.core.audit import AuditEntry
from portal.core.db import Model
from portal.office_hours.actions.hostkeys import give_certificate
from portal.office_hours.jobs import watch_questions
from portal.office_hours.models import Booking, SealedQuestion
from portal.office_hours.rules import Share
from portal.office_hours.states import BookingState
from tests.cast import NOON, Cast, sign_in
from tests.conftest import Clock
from tests.office_hours.conftest import FIRST, Stage
from tests.reports.openpgp import Gpg, gpg_home

PAGE, STAFF = "/challenges/test-challenge/office-hours", "/staff/test-challenge/office-hours"
SECRET = "the second line of the log is the one that counts"
LINK = "https://meet.example.org/room-that-nobody-knows"
PEOPLE = ("Hugo <hugo-host@example.org>", "Hana <hana-host@example.org>", "Eve <eve@example.org>")
JSON = {"Accept": "application/json"}


@pytest.fixture(scope="module")
def gpg() -> Iterator[Gpg]:
    """The hosts' own keys, and somebody else's."""
    with gpg_home() as home:
        for name in PEOPLE:
            home.make(name, expire="never")
        yield home


@pytest.fixture
def booking(session: Session, cast: Cast, stage: Stage, gpg: Gpg) -> Booking:
    """The researcher's booking with both hosts, who have given their certificates."""
    for host, name in zip((cast.host, cast.second_host), PEOPLE, strict=False):
        give_certificate(session, host.id, gpg.certificate(name), at=NOON)
    hosts = (Share(cast.host.id), Share(cast.second_host.id))
    made = stage.book(stage.slots(stage.series(hosts=hosts, engineers=2))[0])
    session.commit()
    return made


def archive(text: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        entry = tarfile.TarInfo("question.md")
        entry.size = len(text.encode())
        made.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


def send(client: FlaskClient, booking: Booking, data: bytes, **headers: str) -> Any:
    sent = {"sealed": (io.BytesIO(data), "question.pgp")} if data else {}
    return client.post(f"{PAGE}/bookings/{booking.uid}/question", data=sent, headers=headers)


def follow(command: str, folder: Path, gpg: Gpg, sealed: bytes) -> int:
    """Do as the page says, in a folder with nothing but what was downloaded; how it ended."""
    folder.mkdir()
    name = command.split(".tar")[0].rpartition(" ")[2]
    (folder / f"{name}.pgp").write_bytes(sealed)
    told = html.unescape(command).replace("gpg ", "gpg --batch --quiet ", 1)
    done = subprocess.run(
        ["/bin/sh", "-c", told], cwd=folder, env={**os.environ, "GNUPGHOME": str(gpg.home)}, capture_output=True,
        check=False,
    )  # fmt: skip
    return done.returncode


def test_the_recipe_of_the_page_makes_what_is_taken_and_each_host_opens_it(
    client: FlaskClient, session: Session, cast: Cast, booking: Booking, gpg: Gpg, tmp_path: Path
) -> None:
    sign_in(client, cast.researcher)
    page = client.get(f"{PAGE}/bookings/{booking.uid}/question")
    for number in (1, 2):
        answer = client.get(f"{PAGE}/bookings/{booking.uid}/host-{number}.asc")
        (tmp_path / f"host-{number}.asc").write_text(answer.text)
    (tmp_path / "question.tar").write_bytes(archive(SECRET))
    (command,) = re.findall(r"<code>(gpg [^<]* --encrypt question.tar)</code>", page.text)
    words = [str(tmp_path / word) if "." in word else word for word in command.split()[1:]]
    gpg.run(*words)

    answer = send(client, booking, (tmp_path / "question.pgp").read_bytes())

    assert (answer.status_code, answer.location) == (302, f"{PAGE}/bookings/{booking.uid}")
    assert "Your question is sealed and here" in client.get(answer.location).text
    for host in (cast.host, cast.second_host):
        sign_in(client, host)
        sitting = client.get(f"{STAFF}/sessions/{booking.slot.sitting_id}").text
        (address,) = re.findall(r'href="([^"]+question\.pgp)"', sitting)
        taken = client.get(address)
        assert taken.headers["Content-Disposition"] == f'attachment; filename="question-{booking.uid}.pgp"'
        (command,) = re.findall(r"<code>(gpg --output question-[^<]*)</code>", sitting)
        genuine, changed = tmp_path / f"{host.id}-genuine", tmp_path / f"{host.id}-changed"
        assert follow(command, genuine, gpg, taken.data) == 0
        assert (genuine / f"question-{booking.uid}" / "question.md").read_text() == SECRET
        # Of what was changed on its way nothing is unpacked, though gpg has written it down.
        assert follow(command, changed, gpg, taken.data[:-40] + bytes(40)) != 0
        assert list(changed.rglob("question.md")) == []
    tags = session.execute(
        sa.select(AuditEntry.actor_id).where(AuditEntry.tag == "office_hours:take-question").order_by(AuditEntry.id)
    ).all()
    assert tags == [(cast.host.id,), (cast.second_host.id,)]


def test_what_gpg_seals_for_others_is_refused_with_the_reason(
    client: FlaskClient, session: Session, cast: Cast, booking: Booking, gpg: Gpg
) -> None:
    sign_in(client, cast.researcher)

    refused = [
        (SECRET.encode(), "This is not an OpenPGP message, so it may be the question itself, unsealed."),
        (gpg.seal(archive(SECRET), list(PEOPLE[:1])), "Missing: Hana"),
        (gpg.seal(archive(SECRET), list(PEOPLE)), "which is no key of this slot’s hosts"),
        (b"", "Choose the file that gpg has sealed."),
    ]
    for data, reason in refused:
        answer = send(client, booking, data)
        assert answer.status_code == 422
        assert reason.replace("’", "&#39;") in answer.text or reason in answer.text.replace("&#39;", "’")
        told = send(client, booking, data, **JSON)
        assert (told.status_code, list(told.json["messages"])) == (422, ["sealed"])

    assert session.scalars(sa.select(SealedQuestion)).all() == []


def test_who_is_neither_host_of_the_slot_nor_of_the_participant_gets_nothing(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage
) -> None:
    keys = stage.certify()
    booking = stage.book(stage.slots(stage.series())[0])
    sign_in(client, cast.researcher)
    assert send(client, booking, stage.sealed(*keys), **JSON).status_code == 200

    for person in (cast.second_host, cast.lead, cast.admin, cast.triager, cast.researcher, cast.team_lead):
        sign_in(client, person)
        assert client.get(f"{STAFF}/bookings/{booking.uid}/question.pgp").status_code in (403, 404)
    for person in (cast.host, cast.team_lead, cast.lead):
        sign_in(client, person)
        assert client.get(f"{PAGE}/bookings/{booking.uid}/question").status_code == 404


def test_a_host_gives_a_certificate_and_is_warned_before_it_expires(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage, gpg: Gpg, clock: Clock
) -> None:
    stage.series()
    sign_in(client, cast.host)
    assert "You have not given one yet" in client.get(f"{STAFF}/certificate").text
    secret = gpg.run("--armor", "--export-secret-keys", PEOPLE[0]).decode()
    wrong = client.post(f"{STAFF}/certificate", data={"certificate": secret})
    assert wrong.status_code == 422
    assert "This is a secret key. Never give it to a server" in wrong.text

    text = io.BytesIO(gpg.certificate(PEOPLE[0]).encode())
    answer = client.post(f"{STAFF}/certificate", data={"certificate": "", "file": (text, "hugo.asc")})

    assert answer.status_code == 302
    page = client.get(f"{STAFF}/certificate").text
    assert "Hugo" in page
    assert "It expires soon" not in page
    session.execute(sa.text("UPDATE office_host_key SET expires_at = given_at"))
    session.commit()
    assert "It has expired" in client.get(f"{STAFF}/certificate").text


def test_a_stale_sign_in_gives_no_certificate(client: FlaskClient, cast: Cast) -> None:
    sign_in(client, cast.host)
    with client.session_transaction() as cookie:
        cookie["fs_paa"] = 0

    answer = client.post(f"{STAFF}/certificate", data={"certificate": "x"})

    assert answer.status_code in (302, 401)
    assert "/certificate" not in (answer.location or "").partition("?")[0]


def test_the_way_in_is_shown_to_those_who_may_enter_when_they_may(
    client: FlaskClient, session: Session, cast: Cast, stage: Stage, clock: Clock
) -> None:
    series = stage.series(slots=1)
    booking = stage.book(stage.slots(series)[0])
    session.commit()
    sign_in(client, cast.host)
    given = client.post(f"{STAFF}/series/{series.id}/link", data={"url": LINK, "verb": "save"})
    assert given.status_code == 302
    pages = {
        "participant": (cast.researcher, f"{PAGE}/bookings/{booking.uid}"),
        "host": (cast.host, f"{STAFF}/sessions/{booking.slot.sitting_id}"),
        "other host": (cast.second_host, f"{STAFF}/sessions/{booking.slot.sitting_id}"),
        "lead": (cast.lead, f"{STAFF}/sessions/{booking.slot.sitting_id}"),
        "its own page": (cast.host, f"{STAFF}/series/{series.id}/link"),
    }
    seen: dict[int, set[str]] = {}
    for minutes in (-16, -15, 29, 30):
        clock.at = FIRST + timedelta(minutes=minutes)
        for name, (person, address) in pages.items():
            sign_in(client, person)
            if LINK in client.get(address).text:
                seen.setdefault(minutes, set()).add(name)

    assert seen == {-15: {"participant", "host"}, 29: {"participant", "host"}}


def test_another_host_cannot_change_the_way_in_and_a_bad_address_comes_back(
    client: FlaskClient, cast: Cast, stage: Stage
) -> None:
    series = stage.series()
    sign_in(client, cast.second_host)
    assert client.post(f"{STAFF}/series/{series.id}/link", data={"url": LINK}).status_code == 403
    sign_in(client, cast.lead)

    for verb, url, reason in (
        ("save", "javascript:alert(1)", "begins with https://"), ("save", "", "Write an address"),
        ("renew", "", "the address is what it is"),
    ):  # fmt: skip
        answer = client.post(f"{STAFF}/series/{series.id}/link", data={"url": url, "verb": verb})
        assert answer.status_code == 422
        assert reason in answer.text


def test_answering_early_on_the_pages(client: FlaskClient, session: Session, cast: Cast, stage: Stage) -> None:
    booking = stage.book(stage.slots(stage.series())[0])
    session.commit()
    uid = booking.uid
    sign_in(client, cast.host)
    page = f"{STAFF}/bookings/{uid}/answer"
    assert client.post(page, data={"text": "In the documentation."}).status_code == 422
    assert client.post(page, data={"text": "In the *documentation*.", "neutral": "y"}).status_code == 302
    sign_in(client, cast.researcher)
    shown = client.get(f"{PAGE}/bookings/{uid}").text
    assert "<em>documentation</em>" in shown
    (address,) = re.findall(r'action="([^"]+/accept)"', shown)

    answer = client.post(address)

    assert answer.status_code == 302
    assert "This answers it" not in client.get(f"{PAGE}/bookings/{uid}").text
    session.expire_all()
    assert session.scalars(sa.select(Booking.state)).one() is BookingState.CANCELLED


def test_neither_the_question_nor_the_way_in_stands_anywhere_in_clear(
    client: FlaskClient, session: Session, cast: Cast, booking: Booking, gpg: Gpg, clock: Clock,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    sign_in(client, cast.host)
    for at in (NOON, NOON + timedelta(minutes=1)):
        clock.at = at
        client.post(f"{STAFF}/sessions/{booking.slot.sitting_id}/link", data={"url": LINK, "verb": "save"})
    sign_in(client, cast.researcher)
    assert send(client, booking, gpg.seal(archive(SECRET), list(PEOPLE[:2])), **JSON).status_code == 200
    assert send(client, booking, SECRET.encode(), **JSON).status_code == 422
    watch_questions(session, NOON)
    exported = client.get("/account/data.json").data
    assert b"sealed_questions" in exported
    session.expire_all()

    logged = capfd.readouterr()
    everything = [logged.out.encode(), logged.err.encode(), exported]
    for table in Model.metadata.sorted_tables:
        for row in session.execute(sa.select(table)):
            everything += [
                bytes(value) if isinstance(value, bytes | memoryview) else repr(value).encode() for value in row
            ]
    for secret in (SECRET, "room-that-nobody-knows"):
        assert [found[:80] for found in everything if secret.encode() in found] == []
