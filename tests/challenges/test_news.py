"""Announcements: when they are out, who has read them, and that each is mailed once and in the morning."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

import portal.challenges.queries as challenges
from portal.accounts import personal
from portal.challenges import rules
from portal.challenges.actions import news
from portal.challenges.actions.news import Notice
from portal.challenges.jobs import tell_news
from portal.challenges.models import Announcement, AnnouncementMail, AnnouncementRead, Member, NewsChoice, Signature
from portal.challenges.queries import news as queries
from portal.challenges.states import News, NewsMail
from portal.core.audit import AuditEntry
from portal.core.errors import Conflict, Invalid, Refused
from portal.core.mail import render
from portal.core.outbox import OutgoingMail, drain
from tests.cast import NOON, SLUG, Cast, make_account, make_participant, sign_in
from tests.challenges.conftest import Library
from tests.conftest import Clock

HERE = f"/challenges/{SLUG}/resources/announcements"
STAFF = f"/staff/{SLUG}/resources"
Mails = Callable[[], list[OutgoingMail]]
MORNING = datetime(2020, 6, 16, 8, tzinfo=UTC)


@pytest.fixture(autouse=True)
def everybody_in_utc(session: Session, cast: Cast) -> None:
    """Mornings are at eight, except where a test says otherwise."""
    for account in (cast.researcher, cast.team_lead, cast.colleague):
        account.zone = "UTC"
    session.commit()


def told(mails: Mails) -> list[tuple[str, list[str]]]:
    """Who was told of what."""
    return sorted((mail.to.partition("@")[0], mail.context["titles"]) for mail in mails())


def wants(session: Session, member: Member, choice: NewsMail, at: datetime = NOON) -> None:
    news.choose_mail(session, member, choice, at=at)
    session.commit()


# Publishing


def test_it_is_out_at_its_instant_and_not_before(
    client: FlaskClient, library: Library, cast: Cast, clock: Clock
) -> None:
    made = library.announce("Planned", later=timedelta(hours=2))
    sign_in(client, cast.researcher)
    clock.tick(hours=2, seconds=-1)
    assert client.get(f"{HERE}/{made.id}").status_code == 404
    assert "Planned" not in client.get(HERE).text
    clock.tick(seconds=1)
    assert client.get(f"{HERE}/{made.id}").status_code == 200


@pytest.mark.parametrize(
    ("notice", "field"),
    [
        (Notice("", "x"), "title"),
        (Notice("x" * 121, "x"), "title"),
        (Notice("x", ""), "body"),
        (Notice("x", "x", publish_at=NOON - timedelta(seconds=1)), "publish_at"),
    ],
)
def test_what_is_no_announcement(session: Session, cast: Cast, notice: Notice, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        news.announce(session, cast.challenge, notice, by=cast.lead.id, at=NOON)
    assert list(refused.value.messages) == [field]


def test_it_is_changed_only_before_it_is_out(session: Session, library: Library, cast: Cast) -> None:
    made = library.announce("Planned", later=timedelta(hours=2))
    news.change_announcement(
        session, cast.challenge, made, Notice("Better", "B", publish_at=NOON + timedelta(hours=1)), by=1, at=NOON
    )
    session.commit()
    assert (made.title, made.publish_at) == ("Better", NOON + timedelta(hours=1))
    with pytest.raises(Refused, match="out already"):
        news.change_announcement(
            session, cast.challenge, made, Notice("Other", "O"), by=1, at=NOON + timedelta(hours=1)
        )


def test_the_second_who_withdraws_it_learns_that(session: Session, library: Library, cast: Cast) -> None:
    made = library.announce()
    news.withdraw_announcement(session, cast.challenge, made, by=cast.lead.id, at=NOON)
    session.commit()
    with pytest.raises(Refused, match="it is withdrawn"):
        news.withdraw_announcement(session, cast.challenge, made, by=cast.host.id, at=NOON)


def test_what_was_read_in_a_state_that_is_gone_is_a_conflict(session: Session, library: Library, cast: Cast) -> None:
    made = library.announce()
    assert made.state is News.PUBLISHED
    session.execute(sa.text("UPDATE announcement SET state = 'withdrawn'"))
    with pytest.raises(Conflict):
        news.withdraw_announcement(session, cast.challenge, made, by=cast.lead.id, at=NOON)


def test_the_host_announces_in_the_challenges_time(
    client: FlaskClient, cast: Cast, session: Session, clock: Clock
) -> None:
    sign_in(client, cast.host)
    past = client.post(f"{STAFF}/announcements/new", data={"title": "T", "body": "B", "publish_at": "2020-06-15T04:59"})
    assert past.status_code == 422
    assert "This time has passed" in past.text
    client.post(f"{STAFF}/announcements/new", data={"title": "T", "body": "B", "publish_at": "2020-06-15T05:01"})
    made = session.scalars(sa.select(Announcement)).one()
    assert made.publish_at == datetime(2020, 6, 15, 12, 1, tzinfo=UTC)  # Los Angeles
    assert 'value="2020-06-15T05:01"' in client.get(f"{STAFF}/announcements/{made.id}").text
    client.post(f"{STAFF}/announcements/{made.id}", data={"title": "U", "body": "B", "publish_at": ""})
    client.post(f"{STAFF}/announcements/{made.id}/withdraw")
    session.refresh(made)
    assert (made.title, made.publish_at, made.state) == ("U", NOON, News.WITHDRAWN)
    tags = session.scalars(sa.select(AuditEntry.tag).order_by(AuditEntry.id)).all()
    assert tags == ["challenges:announce", "challenges:change-announcement", "challenges:withdraw-announcement"]


# Reading


def test_opening_it_marks_it_and_only_for_who_opened_it(
    client: FlaskClient, library: Library, cast: Cast, session: Session, clock: Clock
) -> None:
    made = library.announce()
    sign_in(client, cast.researcher)
    assert '>1<span class="visually-hidden"> unread</span>' in client.get(f"/challenges/{SLUG}/kit").text
    assert "Read the new announcement" in client.get("/home").text
    client.head(f"{HERE}/{made.id}")
    client.get(f"{HERE}/{made.id}", headers={"Sec-Purpose": "prefetch"})
    assert session.scalars(sa.select(AnnouncementRead)).all() == []

    assert 'class="count"' not in client.get(f"{HERE}/{made.id}").text
    clock.tick(hours=1)
    client.get(f"{HERE}/{made.id}")

    mark = session.scalars(sa.select(AnnouncementRead)).one()
    assert (mark.account_id, mark.read_at) == (cast.researcher.id, NOON)
    assert "announcement" not in re.sub(r"/announcements", "", client.get("/home").text)


def test_the_staff_may_read_without_a_mark_and_sees_only_counts(
    client: FlaskClient, library: Library, cast: Cast, session: Session
) -> None:
    made = library.announce()
    library.read(made, cast.researcher)
    library.read(made, cast.colleague)
    sign_in(client, cast.host)
    assert client.get(f"{HERE}/{made.id}").status_code == 200
    assert session.scalars(sa.select(sa.func.count()).select_from(AnnouncementRead)).one() == 2
    page = client.get(STAFF).text
    assert "2 of 3" in page
    assert cast.researcher.name not in page


def test_all_that_the_page_showed_is_marked_and_nothing_later(
    client: FlaskClient, library: Library, cast: Cast, session: Session, clock: Clock
) -> None:
    library.announce("One")
    library.announce("Two")
    sign_in(client, cast.researcher)
    found = re.search(r'name="until" value="([^"]+)"', client.get(HERE).text)
    assert found
    library.announce("Three", at=clock.tick(minutes=5))

    client.post(f"{HERE}/read", data={"until": found[1]})

    member = challenges.membership(session, cast.challenge.id, cast.researcher.id)
    assert member
    left = queries.unread(session, cast.challenge.id, cast.researcher.id, clock.at)
    assert [session.get_one(Announcement, each).title for each in left] == ["Three"]
    for until in ("", "tomorrow", "2020-06-15T12:00:00"):
        assert client.post(f"{HERE}/read", data={"until": until}).status_code == 422
    client.post(f"{HERE}/read", data={"until": "2999-01-01T00:00:00+00:00"})
    assert queries.unread(session, cast.challenge.id, cast.researcher.id, clock.at) == []


def test_marking_twice_keeps_the_first_time(session: Session, library: Library, cast: Cast) -> None:
    made = library.announce()
    library.read(made, cast.researcher, NOON)
    library.read(made, cast.researcher, NOON + timedelta(days=1))
    assert session.scalars(sa.select(AnnouncementRead.read_at)).all() == [NOON]


def test_only_who_takes_part_marks_and_chooses(client: FlaskClient, library: Library, cast: Cast) -> None:
    sign_in(client, cast.lead)
    assert client.post(f"{HERE}/read", data={"until": NOON.isoformat()}).status_code == 404
    assert client.post(f"{HERE}/mail", data={"choice": "never"}).status_code == 404


# Mail


def test_the_digest_comes_in_the_morning_once_with_all_that_is_unread(
    session: Session, library: Library, cast: Cast, mails: Mails
) -> None:
    one = library.announce("One")
    library.announce("Two")
    library.read(one, cast.researcher)

    assert tell_news(session, MORNING - timedelta(seconds=1)) == 0
    assert tell_news(session, MORNING) == 3
    assert tell_news(session, MORNING) == 0
    assert tell_news(session, MORNING + timedelta(days=1)) == 0

    assert told(mails) == [
        ("cem-colleague", ["One", "Two"]), ("rosa-researcher", ["Two"]), ("tamar-teamlead", ["One", "Two"]),
    ]  # fmt: skip


def test_what_comes_out_after_the_morning_waits_for_the_next_one(
    session: Session, library: Library, cast: Cast, mails: Mails
) -> None:
    library.announce("Early", at=MORNING)
    library.announce("Late", at=MORNING + timedelta(seconds=1))
    tell_news(session, MORNING + timedelta(hours=9))  # the worker was away in the morning
    assert {tuple(titles) for _, titles in told(mails)} == {("Early",)}
    tell_news(session, MORNING + timedelta(days=1))
    assert {tuple(titles) for _, titles in told(mails)} == {("Early",), ("Late",)}
    assert len(mails()) == 6


def test_nothing_unread_means_no_mail(session: Session, library: Library, cast: Cast, mails: Mails) -> None:
    made = library.announce()
    for account in (cast.researcher, cast.team_lead, cast.colleague):
        library.read(made, account)
    assert tell_news(session, MORNING) == 0
    assert mails() == []


def test_at_once_daily_and_never(session: Session, library: Library, cast: Cast, mails: Mails) -> None:
    lead, colleague = cast.team.members
    wants(session, cast.member, NewsMail.AT_ONCE)
    wants(session, lead, NewsMail.NEVER)
    library.announce("One")
    assert tell_news(session, NOON) == 1
    assert [mail.to for mail in mails()] == [cast.researcher.email]
    assert tell_news(session, MORNING) == 1
    assert [mail.to for mail in mails()] == [cast.researcher.email, colleague.account.email]


def test_a_change_of_mind_tells_nothing_twice(session: Session, library: Library, cast: Cast, mails: Mails) -> None:
    library.announce("One")
    tell_news(session, MORNING)
    wants(session, cast.member, NewsMail.AT_ONCE, MORNING)
    assert tell_news(session, MORNING + timedelta(minutes=1)) == 0
    wants(session, cast.member, NewsMail.NEVER, MORNING)
    library.announce("Two", at=MORNING + timedelta(hours=1))
    wants(session, cast.member, NewsMail.AT_ONCE, MORNING + timedelta(hours=2))
    assert tell_news(session, MORNING + timedelta(hours=2)) == 0  # it came out while no mail was wanted
    library.announce("Three", at=MORNING + timedelta(hours=3))
    assert tell_news(session, MORNING + timedelta(hours=3)) == 1
    assert mails()[-1].context["titles"] == ["Three"]


def test_whoever_has_not_signed_or_takes_part_no_more_is_told_nothing(
    session: Session, library: Library, cast: Cast, mails: Mails
) -> None:
    session.execute(sa.delete(Signature).where(Signature.account_id == cast.researcher.id))
    session.execute(sa.text("UPDATE participant SET state = 'removed', removed_at = accepted_at WHERE kind = 'team'"))
    library.announce()
    assert tell_news(session, MORNING) == 0
    assert mails() == []


def test_who_joins_later_is_not_told_of_old_news(session: Session, library: Library, cast: Cast, mails: Mails) -> None:
    library.announce()
    newcomer = make_account(session, "Nora New")
    place = make_participant(session, cast.challenge, newcomer)
    place.members[0].joined_at = NOON + timedelta(hours=1)
    session.commit()
    tell_news(session, MORNING)
    assert newcomer.email not in {mail.to for mail in mails()}


def test_withdrawn_or_read_meanwhile_it_is_not_sent(
    session: Session, library: Library, cast: Cast, mails: Mails
) -> None:
    made = library.announce()
    tell_news(session, MORNING)
    library.read(made, cast.researcher)
    sent: list[str] = []
    drain(session, lambda mail: sent.append(mail.to), MORNING)
    assert sorted(sent) == sorted([cast.team_lead.email, cast.colleague.email])

    other = library.announce("Wrong", at=MORNING)
    tell_news(session, MORNING)
    news.withdraw_announcement(session, cast.challenge, other, by=cast.lead.id, at=MORNING)
    session.commit()
    drain(session, lambda mail: sent.append(mail.to), MORNING + timedelta(hours=1))
    assert len(sent) == 2


def test_two_workers_tell_each_once(session: Session, library: Library, cast: Cast, mails: Mails) -> None:
    library.announce("One")
    due = queries.waiting(session, MORNING)
    session.commit()
    tell_news(session, MORNING)
    # The other worker had looked before the first one wrote.
    assert news._claim(session, due, MORNING) == set()
    session.commit()
    assert len(mails()) == 3
    assert session.scalars(sa.select(sa.func.count()).select_from(AnnouncementMail)).one() == 3


def test_a_worker_that_dies_before_its_commit_has_told_nothing(
    session: Session, library: Library, cast: Cast, mails: Mails
) -> None:
    library.announce("One")
    assert news.tell(session, at=MORNING) == 3
    session.rollback()
    assert mails() == []
    assert tell_news(session, MORNING) == 3


def test_the_mail_names_titles_and_one_address_only(
    session: Session, library: Library, cast: Cast, mails: Mails
) -> None:
    for number in range(23):
        library.announce(f"Title {number}")
    tell_news(session, MORNING)
    subject, text, _ = render(mails()[0])
    assert subject == "News for the participants of Test Challenge"
    assert text.count("http") == 1
    assert "- Title 0\n- Title 1\n" in text
    assert "- Title 19\n- and 3 more\n" in text
    assert "Please *read* it" not in text


@pytest.mark.parametrize(
    ("zone", "now", "morning"),
    [
        # Forward in the night of 29 March: the morning of the 29th comes 23 hours after the one before.
        ("Europe/Berlin", "2020-03-29T05:59:59+00:00", "2020-03-28T07:00:00+00:00"),
        ("Europe/Berlin", "2020-03-29T06:00:00+00:00", "2020-03-29T06:00:00+00:00"),
        # Back in the night of 25 October: 25 hours after.
        ("Europe/Berlin", "2020-10-25T06:59:59+00:00", "2020-10-24T06:00:00+00:00"),
        ("Europe/Berlin", "2020-10-25T07:00:00+00:00", "2020-10-25T07:00:00+00:00"),
        ("America/Los_Angeles", "2020-03-08T15:00:00+00:00", "2020-03-08T15:00:00+00:00"),
        ("America/Los_Angeles", "2020-11-01T15:59:59+00:00", "2020-10-31T15:00:00+00:00"),
        ("Pacific/Chatham", "2020-06-15T19:15:00+00:00", "2020-06-15T19:15:00+00:00"),
        ("Pacific/Apia", "2011-12-31T00:00:00+00:00", "2011-12-30T18:00:00+00:00"),
        ("UTC", "2020-06-15T00:00:00+00:00", "2020-06-14T08:00:00+00:00"),
    ],
)
def test_the_last_morning(zone: str, now: str, morning: str) -> None:
    assert rules.last_morning(zone, datetime.fromisoformat(now)) == datetime.fromisoformat(morning)


@pytest.mark.parametrize(
    ("begin", "hours"), [(datetime(2020, 3, 28, 12, tzinfo=UTC), 18), (datetime(2020, 10, 24, 12, tzinfo=UTC), 19)]
)
def test_across_the_change_of_clocks_one_digest_at_eight(
    session: Session, library: Library, cast: Cast, mails: Mails, begin: datetime, hours: int
) -> None:
    cast.researcher.zone = "Europe/Berlin"
    cast.member.joined_at = begin - timedelta(days=1)
    for member in cast.team.members:
        session.add(NewsChoice(member_id=member.id, choice=NewsMail.NEVER, since=NOON))
    session.commit()
    library.announce("One", at=begin)
    ticks = [at for at in (begin + timedelta(minutes=30 * step) for step in range(80)) if tell_news(session, at)]
    assert ticks == [begin + timedelta(hours=hours)]
    assert len(mails()) == 1


# Pages and privacy


def test_pages_and_job_cost_the_same_for_3_and_for_300(
    client: FlaskClient, library: Library, cast: Cast, session: Session, statements: list[str]
) -> None:
    def cost(path: str, who: object) -> int:
        sign_in(client, who)  # type: ignore[arg-type]
        client.get(path)
        statements.clear()
        assert client.get(path).status_code == 200
        return len(statements)

    def add(count: int) -> None:
        for number in range(count):
            news.announce(session, cast.challenge, Notice(f"N{number}", "x"), by=None, at=NOON)
        session.commit()

    add(30)
    pages = ((HERE, cast.researcher), (STAFF, cast.lead), ("/home", cast.researcher))
    few = [cost(*page) for page in pages]
    add(270)
    assert [cost(*page) for page in pages] == few
    statements.clear()
    tell_news(session, MORNING)
    assert len([each for each in statements if each.startswith("SELECT")]) <= 3


def test_the_list_goes_on_after_its_last_row(client: FlaskClient, library: Library, cast: Cast) -> None:
    for number in range(27):
        library.announce(f"Title {number:02}", at=NOON)
    sign_in(client, cast.researcher)
    first = client.get(HERE).text
    assert "Title 26" in first
    assert "Title 01" not in first
    after = re.search(r'href="([^"]*after=[^"]*)"', first)
    assert after
    assert "Title 01" in client.get(after[1].replace("&amp;", "&")).text


def test_export_and_erasure(session: Session, library: Library, cast: Cast) -> None:
    made = library.announce("One")
    library.read(made, cast.researcher)
    wants(session, cast.member, NewsMail.NEVER)
    kept = personal.export(session, cast.researcher.id)["challenges"]
    assert kept["announcements_read"] == [{"title": "One", "read_at": NOON}]
    assert kept["mail_about_announcements"] == [{"challenge": SLUG, "when": NewsMail.NEVER}]
    for erase in personal.erasers:
        erase(session, cast.researcher.id, NOON)
    session.commit()
    kept = personal.export(session, cast.researcher.id)["challenges"]
    assert (kept["announcements_read"], kept["mail_about_announcements"]) == ([], [])
