"""Builds, documents, downloads and links: what may be done to them, and who gets them."""

import dataclasses
import hashlib
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.challenges import rules, states
from portal.challenges.actions import files, resources
from portal.challenges.actions.resources import Offer, Release
from portal.challenges.jobs import collect_files
from portal.challenges.models import Resource, ResourceFile, Signature
from portal.challenges.queries.resources import offered_builds
from portal.challenges.states import BuildState, Publication, ResourceKind
from portal.core.audit import AuditEntry
from portal.core.blobs import blobs
from portal.core.errors import Conflict, Invalid, NotFound, Refused
from tests.cast import NOON, SLUG, Cast, make_challenge, sign_in
from tests.challenges.conftest import Library
from tests.conftest import Clock

HERE = f"/challenges/{SLUG}/resources"
STAFF = f"/staff/{SLUG}/resources"


def tags(session: Session) -> list[str]:
    session.commit()
    return list(session.scalars(sa.select(AuditEntry.tag).order_by(AuditEntry.id)))


# Builds


def test_a_build_has_a_name_of_its_own(library: Library, cast: Cast, session: Session) -> None:
    library.build("20.07")
    with pytest.raises(Conflict, match="of this name already"):
        resources.add_build(session, cast.challenge, Release("20.07", date(2020, 7, 7)), by=cast.lead.id, at=NOON)
    session.rollback()
    elsewhere = make_challenge(session, "elsewhere", "Elsewhere")
    assert library.build("20.07", challenge=elsewhere).challenge_id == elsewhere.id
    assert tags(session) == ["challenges:add-build", "challenges:add-build"]


def test_a_pinned_build_is_not_withdrawn(library: Library, cast: Cast, session: Session) -> None:
    build = library.build()
    resources.move_build(session, cast.challenge, build, states.PIN, by=cast.lead.id, at=NOON)
    with pytest.raises(Refused, match="it is pinned"):
        resources.move_build(session, cast.challenge, build, states.RECALL, by=cast.lead.id, at=NOON)
    assert build.state is BuildState.PINNED
    resources.move_build(session, cast.challenge, build, states.UNPIN, by=cast.lead.id, at=NOON)
    resources.move_build(session, cast.challenge, build, states.RECALL, by=cast.lead.id, at=NOON)
    assert build.state is BuildState.WITHDRAWN
    assert tags(session)[1:] == ["challenges:pin-build", "challenges:unpin-build", "challenges:withdraw-build"]


def test_a_build_keeps_its_name(library: Library, cast: Cast, session: Session) -> None:
    build = library.build()
    with pytest.raises(Invalid, match="keeps its name"):
        resources.change_build(
            session, cast.challenge, build, Release("20.08", build.released_on), by=cast.lead.id, at=NOON
        )
    resources.change_build(
        session, cast.challenge, build, Release("20.07", date(2020, 7, 8), "New."), by=cast.lead.id, at=NOON
    )
    session.commit()
    assert (build.released_on, build.notes) == (date(2020, 7, 8), "New.")


def test_a_withdrawn_build_takes_its_files_with_it_but_not_its_notes(
    client: FlaskClient, library: Library, cast: Cast, session: Session
) -> None:
    build = library.build()
    download = library.download(b"SDK", build=build)
    sign_in(client, cast.researcher)
    assert client.get(f"{HERE}/downloads/{download.id}").status_code == 200

    resources.move_build(session, cast.challenge, build, states.RECALL, by=cast.lead.id, at=NOON)

    assert client.get(f"{HERE}/downloads/{download.id}").status_code == 404
    page = client.get(f"{HERE}/builds/{build.id}").text
    assert "What changed in <strong>20.07</strong>" in page
    assert "is withdrawn" in page
    assert "sdk.txt" not in page


def test_pinned_builds_come_first(client: FlaskClient, library: Library, cast: Cast, session: Session) -> None:
    for month, name in ((6, "20.06"), (7, "20.07"), (8, "20.08")):
        library.build(name, date(2020, month, 1))
    pinned = library.build("20.05", date(2020, 5, 1))
    resources.move_build(session, cast.challenge, pinned, states.PIN, by=cast.lead.id, at=NOON)
    sign_in(client, cast.researcher)
    page = client.get(HERE).text
    places = [page.index(f">{name}</a>") for name in ("20.05", "20.08", "20.07", "20.06")]
    assert places == sorted(places)


# Resources


@pytest.mark.parametrize(
    ("kind", "offer", "field"),
    [
        (ResourceKind.DOCUMENT, Offer("Title"), "body"),
        (ResourceKind.DOCUMENT, Offer("", body="Text"), "title"),
        (ResourceKind.DOCUMENT, Offer("x" * 121, body="Text"), "title"),
        (ResourceKind.DOCUMENT, Offer("Title", body="Text", url="https://example.org"), "url"),
        (ResourceKind.LINK, Offer("Title"), "url"),
        (ResourceKind.LINK, Offer("Title", url="javascript:alert(1)"), "url"),
        (ResourceKind.LINK, Offer("Title", url="https://user@example.org/"), "url"),
        (ResourceKind.DOWNLOAD, Offer("Title", body="Text"), "body"),
    ],
)
def test_what_is_no_resource(session: Session, cast: Cast, kind: ResourceKind, offer: Offer, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        resources.add_resource(session, cast.challenge, kind, offer, by=cast.lead.id, at=NOON)
    assert field in refused.value.messages


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://git.example.org/linux?x=1", "git.example.org"),
        ("http://example.org", "example.org"),
        ("https://EXAMPLE.org:8443/", "example.org"),
        ("https://exаmple.org/", "xn--exmple-4nf.org"),  # a Cyrillic а
        ("https://localhost/", None),
        ("//example.org/", None),
        ("https://example.org\\@evil.org/", None),
        ("https://exa mple.org/", None),
        ("data:text/html,x", None),
        ("https://[::1", None),
        ("", None),
    ],
)
def test_hosts_of_links(url: str, host: str | None) -> None:
    assert rules.host_of(url) == host


def test_a_build_of_another_challenge_is_not_to_be_had(session: Session, library: Library, cast: Cast) -> None:
    foreign = library.build(challenge=make_challenge(session, "elsewhere", "Elsewhere"))
    offer = Offer("Title", build_id=foreign.id, body="Text")
    with pytest.raises(NotFound):
        resources.add_resource(session, cast.challenge, ResourceKind.DOCUMENT, offer, by=cast.lead.id, at=NOON)
    session.add(
        Resource(
            challenge_id=cast.challenge.id, kind=ResourceKind.DOCUMENT, title="T", body="B", build_id=foreign.id,
            position=0, state_since=NOON, changed_at=NOON,
        )
    )  # fmt: skip
    with pytest.raises(sa.exc.IntegrityError):
        session.flush()


def test_a_download_without_a_file_is_not_published(session: Session, library: Library, cast: Cast) -> None:
    resource = library.add(ResourceKind.DOWNLOAD, Offer("SDK"), publish=False)
    with pytest.raises(Refused, match="no file yet"):
        resources.move_resource(session, cast.challenge, resource, states.PUBLISH, by=cast.lead.id, at=NOON)
    with pytest.raises(sa.exc.IntegrityError, match="given_out_with_file"):
        session.execute(sa.update(Resource).values(state=Publication.PUBLISHED))


@pytest.mark.parametrize("move", states.RESOURCE_MOVES, ids=lambda move: move.name)
@pytest.mark.parametrize("state", list(Publication))
def test_every_step_from_every_state(
    session: Session, library: Library, cast: Cast, move: object, state: object
) -> None:
    resource = library.document()
    session.execute(sa.update(Resource).values(state=state))
    session.refresh(resource)
    if state in move.sources:  # type: ignore[attr-defined]
        resources.move_resource(session, cast.challenge, resource, move, by=cast.lead.id, at=NOON)  # type: ignore[arg-type]
        assert resource.state is move.target  # type: ignore[attr-defined]
    else:
        with pytest.raises(Refused):
            resources.move_resource(session, cast.challenge, resource, move, by=cast.lead.id, at=NOON)  # type: ignore[arg-type]


def test_resources_change_places_within_their_kind(session: Session, library: Library, cast: Cast) -> None:
    first, link, second = library.document("One"), library.link(), library.document("Two")
    resources.place_resource(session, cast.challenge, second, up=True)
    assert [each.position for each in (first, link, second)] == [2, 1, 0]
    resources.place_resource(session, cast.challenge, second, up=True)
    assert [each.position for each in (first, link, second)] == [2, 1, 0]
    resources.place_resource(session, cast.challenge, second, up=False)
    assert [each.position for each in (first, link, second)] == [0, 1, 2]


# Who gets them


def test_drafts_and_what_is_withdrawn_are_the_leads(
    client: FlaskClient, library: Library, cast: Cast, session: Session
) -> None:
    document, download = library.document("Secret plan"), library.download(b"SDK", publish=False)
    resources.move_resource(session, cast.challenge, document, states.WITHDRAW, by=cast.lead.id, at=NOON)
    paths = [f"{HERE}/documents/{document.id}", f"{HERE}/downloads/{download.id}"]
    for who, status in ((cast.researcher, 404), (cast.host, 404), (cast.lead, 200)):
        sign_in(client, who)
        assert [client.get(path).status_code for path in paths] == [status, status]
        assert "Secret plan" not in client.get(HERE).text


def test_nothing_opens_before_the_agreement_is_signed(
    client: FlaskClient, library: Library, cast: Cast, session: Session
) -> None:
    document, download, build, news = library.document(), library.download(b"S"), library.build(), library.announce()
    session.execute(sa.delete(Signature).where(Signature.account_id == cast.researcher.id))
    sign_in(client, cast.researcher)
    for path in (
        "", f"/documents/{document.id}", f"/downloads/{download.id}", f"/builds/{build.id}", "/announcements",
        f"/announcements/{news.id}",
    ):  # fmt: skip
        answer = client.get(HERE + path)
        assert (answer.status_code, answer.location.partition("?")[0]) == (302, f"/challenges/{SLUG}/agreement")


def test_nothing_of_another_challenge_is_reached_from_here(
    client: FlaskClient, library: Library, cast: Cast, session: Session
) -> None:
    elsewhere = make_challenge(session, "elsewhere", "Elsewhere")
    download, news = library.download(b"theirs", challenge=elsewhere), library.announce(challenge=elsewhere)
    build = library.build(challenge=elsewhere)
    for who in (cast.researcher, cast.lead):
        sign_in(client, who)
        for path in (f"/downloads/{download.id}", f"/announcements/{news.id}", f"/builds/{build.id}"):
            assert client.get(HERE + path).status_code == 404
            assert client.get(HERE.replace(SLUG, "elsewhere") + path).status_code == 404


def test_a_removed_participant_gets_nothing_any_more(
    client: FlaskClient, library: Library, cast: Cast, session: Session
) -> None:
    download = library.download(b"SDK")
    cast.participant.state, cast.participant.removed_at = "removed", NOON  # type: ignore[assignment]
    sign_in(client, cast.researcher)
    assert client.get(f"{HERE}/downloads/{download.id}").status_code == 404


def test_a_link_tells_nobody_where_the_reader_came_from(client: FlaskClient, library: Library, cast: Cast) -> None:
    library.link()
    sign_in(client, cast.researcher)
    page = client.get(HERE).text
    assert 'rel="noopener noreferrer nofollow" referrerpolicy="no-referrer">Kernel source</a>' in page
    assert ">git.example.org<" in page


# Downloads


def test_a_download_is_whole_and_told_by_its_hash(client: FlaskClient, library: Library, cast: Cast) -> None:
    content = bytes(range(256)) * 40
    resource = library.download(content, "../../étc/sdk 20.07.txt")
    sign_in(client, cast.researcher)

    answer = client.get(f"{HERE}/downloads/{resource.id}")

    digest = hashlib.sha256(content).hexdigest()
    assert answer.data == content
    assert answer.headers["Content-Length"] == "10240"
    assert answer.headers["ETag"] == f'"sha256-{digest}"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="sdk 20.07.txt"'
    assert (
        client.get(f"{HERE}/downloads/{resource.id}", headers={"If-None-Match": f'"sha256-{digest}"'}).status_code
        == 304
    )
    assert client.head(f"{HERE}/downloads/{resource.id}").headers["Content-Length"] == "10240"
    assert digest in client.get(HERE).text


@pytest.mark.parametrize(
    ("headers", "status", "data", "told"),
    [
        ({"Range": "bytes=0-3"}, 206, b"0123", "bytes 0-3/10"),
        ({"Range": "bytes=7-"}, 206, b"789", "bytes 7-9/10"),
        ({"Range": "bytes=-2"}, 206, b"89", "bytes 8-9/10"),
        ({"Range": "bytes=0-3", "If-Range": '"other"'}, 200, b"0123456789", None),
        ({"Range": "bytes=0-1,4-5"}, 200, b"0123456789", None),
        ({"Range": "bytes=10-"}, 416, b"", "bytes */10"),
    ],
)
def test_ranges(
    client: FlaskClient, library: Library, cast: Cast, headers: dict[str, str], status: int, data: bytes,
    told: str | None,
) -> None:  # fmt: skip
    resource = library.download(b"0123456789")
    sign_in(client, cast.researcher)
    answer = client.get(f"{HERE}/downloads/{resource.id}", headers=headers)
    assert (answer.status_code, answer.data, answer.headers.get("Content-Range")) == (status, data, told)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("C:\\builds\\sdk.zip", "sdk.zip"),
        ("../../etc/passwd", "passwd"),
        (".htaccess", "htaccess"),
        ("a\r\nX-Evil: 1", "aX-Evil: 1"),
        ("\u202egpj.exe", "gpj.exe"),
        ("  two   words ", "two words"),
        ("…", "…"),
        ("", "download"),
        ("..", "download"),
        ("x" * 300, "x" * 200),
    ],
)
def test_hostile_names_become_plain_ones(name: str, plain: str) -> None:
    assert rules.plain_name(name) == plain


def _multipart(content: bytes, name: str = "sdk.txt") -> bytes:
    head = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
    return head + content + b"\r\n--x--\r\n"


def send(client: FlaskClient, path: str, content: bytes, name: str = "sdk.txt") -> int:
    """Post a file as a browser does; what becomes of it."""
    body = _multipart(content, name)
    return client.post(path, data=body, content_type="multipart/form-data; boundary=x").status_code


def test_the_lead_sends_a_file_and_publishes_it(
    client: FlaskClient, library: Library, cast: Cast, session: Session, app: Flask
) -> None:
    sign_in(client, cast.lead)
    made = client.post(f"{STAFF}/new/download", data={"title": "SDK", "summary": "", "build_id": ""})
    resource = session.scalars(sa.select(Resource)).one()
    assert made.location == f"{STAFF}/{resource.id}"
    content = b"x" * (2 << 20)  # more than other pages take
    assert send(client, f"{STAFF}/{resource.id}/file", content, "sdk.bin") == 302
    assert client.post(f"{STAFF}/{resource.id}/move/publish").status_code == 302

    sign_in(client, cast.researcher)
    assert client.get(f"{HERE}/downloads/{resource.id}").data == content
    assert tags(session)[-3:] == ["challenges:add-resource", "challenges:send-file", "challenges:publish-resource"]


def test_only_the_file_page_takes_large_requests_and_only_from_the_lead(
    client: FlaskClient, library: Library, cast: Cast
) -> None:
    resource, large = library.download(b"SDK"), b"x" * (2 << 20)
    sign_in(client, cast.lead)
    assert send(client, f"{STAFF}/{resource.id}", large) == 413
    sign_in(client, cast.host)
    assert send(client, f"{STAFF}/{resource.id}/file", large) == 403


@pytest.mark.parametrize("content", [b"", None])
def test_no_file_and_an_empty_one_change_nothing(
    client: FlaskClient, library: Library, cast: Cast, session: Session, content: bytes | None
) -> None:
    resource = library.download(b"SDK")
    before = resource.file_id
    sign_in(client, cast.lead)
    path = f"{STAFF}/{resource.id}/file"
    assert (client.post(path).status_code if content is None else send(client, path, content)) == 422
    session.expire_all()
    assert resource.file_id == before


def test_the_largest_file_is_a_setting(
    client: FlaskClient, library: Library, cast: Cast, session: Session, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = dataclasses.replace(app.extensions["portal.config"], download_mib=1)
    monkeypatch.setitem(app.extensions, "portal.config", small)
    resource = library.download(b"SDK")
    before, path = resource.file_id, f"{STAFF}/{resource.id}/file"
    sign_in(client, cast.lead)
    assert send(client, path, b"x" * (2 << 20)) == 413
    answer = client.post(path, data=_multipart(b"x" * ((1 << 20) + 1)), content_type="multipart/form-data; boundary=x")
    assert (answer.status_code, "This file is too large." in answer.text) == (422, True)
    session.expire_all()
    assert resource.file_id == before
    assert send(client, path, b"x" * (1 << 20)) == 302


def test_a_cut_upload_leaves_nothing_visible_and_is_collected(
    library: Library, cast: Cast, session: Session, clock: Clock
) -> None:
    resource = library.add(ResourceKind.DOWNLOAD, Offer("SDK"), publish=False)
    begun = files.begin_file(session, cast.challenge, "sdk.txt", by=cast.lead.id, at=NOON)
    session.commit()
    blobs().put(f"{begun.folder}/abc", b"half")  # the process dies here

    assert resource.file is None
    assert collect_files(session, NOON + timedelta(hours=23)) == 0
    assert collect_files(session, NOON + timedelta(hours=25)) == 1
    assert blobs().list("resources") == []
    assert session.scalars(sa.select(ResourceFile)).all() == []


def test_a_replaced_file_is_collected_a_day_later_and_its_heir_stays(
    client: FlaskClient, library: Library, cast: Cast, session: Session
) -> None:
    resource = library.download(b"old")
    library.send(resource, b"new", at=NOON + timedelta(days=5))
    assert collect_files(session, NOON + timedelta(days=5, hours=23)) == 0
    assert collect_files(session, NOON + timedelta(days=6, hours=1)) == 1
    assert collect_files(session, NOON + timedelta(days=6, hours=1)) == 0
    sign_in(client, cast.researcher)
    assert client.get(f"{HERE}/downloads/{resource.id}").data == b"new"


def test_equal_files_of_two_downloads_do_not_share_a_fate(library: Library, cast: Cast, session: Session) -> None:
    one, two = library.download(b"same"), library.download(b"same")
    library.send(one, b"other", at=NOON)
    collect_files(session, NOON + timedelta(days=2))
    assert two.file is not None
    assert [blobs().get(key) for key in blobs().list(two.file.folder)] == [b"same"]


def test_a_file_of_many_pieces_comes_back_whole(
    client: FlaskClient, library: Library, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = hashlib.shake_256(b"x").digest(8 * (1 << 20) + 12345)
    resource = library.download(content)
    sign_in(client, cast.researcher)
    answer = client.get(f"{HERE}/downloads/{resource.id}", headers={"Range": f"bytes={(8 << 20) - 5}-{(8 << 20) + 4}"})
    assert answer.data == content[(8 << 20) - 5 : (8 << 20) + 5]
    assert (
        hashlib.sha256(client.get(f"{HERE}/downloads/{resource.id}").data).digest() == hashlib.sha256(content).digest()
    )


# Pages


def test_pages_cost_the_same_for_3_and_for_300(
    client: FlaskClient, library: Library, cast: Cast, session: Session, statements: list[str]
) -> None:
    def cost(path: str, who: object) -> int:
        sign_in(client, who)  # type: ignore[arg-type]
        client.get(path)
        statements.clear()
        assert client.get(path).status_code == 200
        return len(statements)

    def add(count: int, begin: int) -> None:
        for number in range(begin, begin + count):
            build = resources.add_build(
                session, cast.challenge, Release(f"b{number}", date(2020, 7, 1)), by=cast.lead.id, at=NOON
            )
            offer = Offer(f"D{number}", build_id=build.id, body="x")
            made = resources.add_resource(session, cast.challenge, ResourceKind.DOCUMENT, offer, by=1, at=NOON)
            resources.move_resource(session, cast.challenge, made, states.PUBLISH, by=1, at=NOON)
        session.commit()

    add(3, 0)
    pages = ((HERE, cast.researcher), (STAFF, cast.lead))
    few = [cost(*page) for page in pages]
    add(297, 3)
    assert [cost(*page) for page in pages] == few


def test_the_report_form_offers_the_builds_and_takes_any(library: Library, cast: Cast, session: Session) -> None:
    gone = library.build("20.05", date(2020, 5, 1))
    library.build("20.06", date(2020, 6, 1))
    library.build("20.07")
    resources.move_build(session, cast.challenge, gone, states.RECALL, by=cast.lead.id, at=NOON)
    assert [each.name for each in offered_builds(session, cast.challenge.id)] == ["20.07", "20.06"]


def test_the_lead_adds_and_edits_what_is_typed(client: FlaskClient, cast: Cast, session: Session) -> None:
    sign_in(client, cast.lead)
    wrong = client.post(f"{STAFF}/new/link", data={"title": "Kernel", "url": "javascript:alert(1)"})
    assert wrong.status_code == 422
    assert "javascript:alert(1)" in wrong.text  # what was typed stays
    assert client.post(f"{STAFF}/builds/new", data={"name": "20.07", "released_on": "2020-07-06"}).status_code == 302
    page = client.post(f"{STAFF}/new/document", data={"title": "A\r\n B", "body": "<script>x</script>*y*"})
    resource = session.scalars(sa.select(Resource)).one()
    assert (resource.title, resource.state, page.status_code) == ("A B", Publication.DRAFT, 302)
    assert client.post(f"{STAFF}/{resource.id}", data={"title": "", "body": "x"}).status_code == 422
    changed = client.post(f"{STAFF}/{resource.id}", data={"title": "C", "body": "<script>x</script>*y*"})
    assert changed.status_code == 302
    shown = client.get(f"{HERE}/documents/{resource.id}").text
    assert "<em>y</em>" in shown
    assert "<script>x" not in shown
    assert client.get(f"{STAFF}/new/nonsense").status_code == 404
    assert client.post(f"{STAFF}/{resource.id}/place/sideways").status_code == 404


def test_names_in_the_repository_are_not_paths_of_the_store(library: Library, session: Session, tmp_path: Path) -> None:
    resource = library.download(b"SDK", "../../../escape.txt")
    assert resource.file is not None
    (key,) = blobs().list(resource.file.folder)
    assert key == f"{resource.file.folder}/{hashlib.sha256(b'SDK').hexdigest()}"
