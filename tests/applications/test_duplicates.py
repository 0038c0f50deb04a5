"""Clusters as they are found, kept, judged and shown."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.accounts.states import Role
from portal.applications import actions
from portal.applications.actions import duplicates as judging
from portal.applications.jobs import compare
from portal.applications.long import compare_challenge
from portal.applications.models import Application, DuplicatePair, Step
from portal.applications.queries import duplicates
from portal.applications.states import ApplicationState, Disqualified, Evidence
from portal.core.audit import AuditEntry
from portal.core.errors import Conflict, Invalid, NotFound, Refused
from tests.applications.conftest import Desk
from tests.cast import NOON, Cast, make_account, make_challenge, sign_in
from tests.conftest import Clock

PAGE = "/staff/test-challenge/applications/duplicates"
LATER = NOON + timedelta(hours=1)


@pytest.fixture
def twins(session: Session, desk: Desk) -> list[Application]:
    """Two applications of one handle and link, and one of somebody else."""
    content = [
        desk.content(handle="ada", links=("https://a.example/ada",)),
        desk.content(handle="@ADA", links=("http://www.a.example/ada/",)),
        desk.content(handle="bob", links=()),
    ]
    made = [desk.submitted(make_account(session, f"Twin {n}"), told) for n, told in enumerate(content)]
    compare(session, NOON)
    return made


def pairs(session: Session) -> list[tuple[int, int, Evidence, bool]]:
    session.expire_all()
    rows = session.scalars(
        sa.select(DuplicatePair).order_by(DuplicatePair.low_id, DuplicatePair.high_id, DuplicatePair.kind)
    )
    return [(row.low_id, row.high_id, row.kind, row.dismissed_at is not None) for row in rows]


def cluster_of(session: Session, *applications: Application) -> list[int | None]:
    session.expire_all()
    return [application.cluster_id for application in applications]


def pair_ids(session: Session) -> list[int]:
    return list(session.scalars(sa.select(DuplicatePair.id)))


def test_twins_become_a_cluster(session: Session, twins: list[Application]) -> None:
    one, two, other = twins
    assert pairs(session) == [(one.id, two.id, Evidence.HANDLE, False), (one.id, two.id, Evidence.LINK, False)]
    assert cluster_of(session, one, two, other) == [one.id, one.id, None]


def test_comparing_again_changes_nothing_and_happens_only_when_something_changed(
    session: Session, desk: Desk, twins: list[Application]
) -> None:
    before = pair_ids(session)
    compare_challenge(session, desk.cast.challenge.id, NOON)
    assert pair_ids(session) == before
    assert compare(session, NOON + timedelta(seconds=30)) == 0  # changed at noon, but a minute has not passed
    assert compare(session, LATER) == 3
    assert compare(session, LATER + timedelta(hours=1)) == 0
    content = desk.content(handle="somebody", links=())
    actions.revise_application(session, twins[1], content, version=1, at=LATER + timedelta(hours=2))
    session.commit()
    assert compare(session, LATER + timedelta(hours=3)) == 3
    assert pairs(session) == []
    assert cluster_of(session, *twins) == [None, None, None]


def test_drafts_and_withdrawn_applications_are_not_compared(session: Session, desk: Desk, cast: Cast) -> None:
    content = desk.content(handle="ada")
    desk.draft(make_account(session, "One"), content)
    gone = desk.submitted(make_account(session, "Two"), content)
    actions.withdraw_application(session, gone, at=NOON)
    session.commit()
    desk.submitted(make_account(session, "Three"), content)
    compare(session, NOON)
    assert pairs(session) == []


def test_other_challenges_are_other_worlds(session: Session, desk: Desk, twins: list[Application]) -> None:
    other = make_challenge(session, "other", "Other")
    session.commit()
    assert duplicates.open_count(session, other.id) == 0
    assert duplicates.clusters(session, other.id) == ([], None)
    with pytest.raises(NotFound):
        judging.disqualify_duplicates(
            session, other, stays=twins[0].id, gone=[twins[1].id], reason="x", by=desk.cast.lead.id, at=LATER
        )
    with pytest.raises(Conflict):
        judging.dismiss(session, other, pair_ids(session), "", by=desk.cast.lead.id, at=LATER)
    with pytest.raises(NotFound):
        judging.restore(session, other, twins[0].id, twins[1].id, by=desk.cast.lead.id, at=LATER)


def test_a_dismissal_is_remembered_and_new_evidence_with_a_new_application_is_not_hidden(
    session: Session, desk: Desk, cast: Cast, twins: list[Application]
) -> None:
    one, two, _ = twins
    judging.dismiss(session, cast.challenge, pair_ids(session), "brothers", by=cast.lead.id, at=LATER)
    session.commit()
    assert cluster_of(session, one, two) == [None, None]
    compare_challenge(session, cast.challenge.id, LATER)
    assert [pair[3] for pair in pairs(session)] == [True, True]
    assert duplicates.open_count(session, cast.challenge.id) == 0

    third = desk.submitted(make_account(session, "Twin 3"), desk.content(handle="A.d.a", links=()))
    compare_challenge(session, cast.challenge.id, LATER)

    assert pairs(session)[2:] == [
        (one.id, third.id, Evidence.HANDLE, False),
        (two.id, third.id, Evidence.HANDLE, False),
    ]
    assert cluster_of(session, one, two, third) == [one.id] * 3


def test_a_dismissal_is_taken_back_once(session: Session, cast: Cast, twins: list[Application]) -> None:
    one, two, _ = twins
    with pytest.raises(Conflict):
        judging.restore(session, cast.challenge, one.id, two.id, by=cast.lead.id, at=LATER)
    judging.dismiss(session, cast.challenge, pair_ids(session), "", by=cast.lead.id, at=LATER)
    session.commit()
    judging.restore(session, cast.challenge, one.id, two.id, by=cast.lead.id, at=LATER)
    session.commit()
    assert cluster_of(session, one, two) == [one.id, one.id]
    tags = sa.select(AuditEntry.tag).where(AuditEntry.tag.like("%duplicates")).order_by(AuditEntry.id)
    assert session.scalars(tags).all() == ["applications:not-duplicates", "applications:perhaps-duplicates"]


def test_disqualifying_goes_by_the_state_machine(session: Session, cast: Cast, twins: list[Application]) -> None:
    one, two, _ = twins
    judging.disqualify_duplicates(
        session, cast.challenge, stays=two.id, gone=[one.id], reason="Same link.", by=cast.lead.id, at=LATER
    )
    session.commit()
    assert (one.state, one.disqualified, one.duplicate_of_id) == (
        ApplicationState.DISQUALIFIED, Disqualified.DUPLICATE, two.id,
    )  # fmt: skip
    step = session.scalars(sa.select(Step).where(Step.application_id == one.id).order_by(Step.id.desc())).first()
    assert step is not None
    assert (step.state, step.reason, step.by_id) == (ApplicationState.DISQUALIFIED, "Same link.", cast.lead.id)
    assert duplicates.open_count(session, cast.challenge.id) == 0


@pytest.mark.parametrize(
    ("stays", "gone", "reason", "field"),
    [(0, [], "x", "gone"), (0, [0], "x", "stays"), (0, [1], "", "reason"), (0, [1], "x" * 501, "reason")],
)
def test_a_judgement_that_says_nothing_changes_nothing(
    session: Session, cast: Cast, twins: list[Application], stays: int, gone: list[int], reason: str, field: str
) -> None:
    with pytest.raises(Invalid) as told:
        judging.disqualify_duplicates(
            session, cast.challenge, stays=twins[stays].id, gone=[twins[n].id for n in gone], reason=reason,
            by=cast.lead.id, at=LATER,
        )  # fmt: skip
    assert list(told.value.messages) == [field]
    assert {one.state for one in twins} == {ApplicationState.SUBMITTED}


def test_who_is_no_part_of_the_cluster_is_not_disqualified(
    session: Session, cast: Cast, twins: list[Application]
) -> None:
    with pytest.raises(Conflict, match="evidence has changed"):
        judging.disqualify_duplicates(
            session, cast.challenge, stays=twins[0].id, gone=[twins[2].id], reason="x", by=cast.lead.id, at=LATER
        )


def test_nobody_judges_their_own(session: Session, desk: Desk, cast: Cast, client: FlaskClient) -> None:
    own = desk.submitted(cast.lead, desk.content(handle="same", name="My Own Name"))
    other = desk.submitted(cast.stranger, desk.content(handle="same"))
    compare(session, NOON)
    challenge, me = cast.challenge, cast.lead.id
    with pytest.raises(Refused, match="own application"):
        judging.disqualify_duplicates(session, challenge, stays=own.id, gone=[other.id], reason="x", by=me, at=LATER)
    with pytest.raises(Refused, match="own application"):
        judging.dismiss(session, challenge, pair_ids(session), "", by=me, at=LATER)
    sign_in(client, cast.lead)
    page = client.get(PAGE).text
    assert "Another lead judges it" in page
    assert "My Own Name" not in page


def test_of_two_leads_who_disqualify_each_others_choice_the_second_is_told(
    session: Session, cast: Cast, twins: list[Application]
) -> None:
    one, two = twins[0].id, twins[1].id
    second = make_account(session, "Leo Lead", Role.LEAD).id
    session.commit()
    judging.disqualify_duplicates(session, cast.challenge, stays=one, gone=[two], reason="x", by=cast.lead.id, at=LATER)
    session.commit()
    with pytest.raises(Conflict, match="just disqualified"):
        judging.disqualify_duplicates(session, cast.challenge, stays=two, gone=[one], reason="x", by=second, at=LATER)
    assert session.get_one(Application, one, populate_existing=True).state is ApplicationState.SUBMITTED


def test_of_two_leads_who_dismiss_the_second_is_told(session: Session, cast: Cast, twins: list[Application]) -> None:
    seen = pair_ids(session)
    judging.dismiss(session, cast.challenge, seen, "", by=cast.lead.id, at=LATER)
    session.commit()
    with pytest.raises(Conflict, match="just judged"):
        judging.dismiss(session, cast.challenge, seen, "", by=cast.lead.id, at=LATER)
    with pytest.raises(Invalid):
        judging.dismiss(session, cast.challenge, [], "", by=cast.lead.id, at=LATER)


def test_erasing_a_person_erases_the_evidence(session: Session, twins: list[Application]) -> None:
    actions.erase_application(session, twins[0], at=LATER)
    session.commit()
    assert pairs(session) == []
    compare_challenge(session, twins[0].challenge_id, LATER)
    assert cluster_of(session, *twins) == [None, None, None]


def test_the_page_costs_the_same_for_one_cluster_and_for_ten(
    session: Session, desk: Desk, cast: Cast, client: FlaskClient, statements: list[str]
) -> None:
    sign_in(client, cast.lead)
    counts = []
    for batch in (range(1), range(1, 10)):
        for number in batch:
            for twin in "ab":
                account = make_account(session, f"Many {number}{twin}")
                desk.submitted(account, desk.content(handle=f"handle{number}", links=()))
        compare_challenge(session, cast.challenge.id, NOON)
        statements.clear()
        page = client.get(PAGE)
        counts.append(len(statements))
        assert page.status_code == 200
    assert counts[0] == counts[1]
    assert page.text.count("Disqualify the duplicates") == 10


def test_pages_of_clusters_go_on(session: Session, desk: Desk, cast: Cast, client: FlaskClient) -> None:
    for number in range(12):
        for twin in "ab":
            desk.submitted(make_account(session, f"M {number}{twin}"), desk.content(handle=f"handle{number}", links=()))
    compare(session, NOON)
    first, after = duplicates.clusters(session, cast.challenge.id)
    rest, end = duplicates.clusters(session, cast.challenge.id, after or 0)
    assert (len(first), len(rest), end) == (10, 2, None)
    sign_in(client, cast.lead)
    assert client.get(f"{PAGE}?after={after}").text.count("Disqualify the duplicates") == 2
    assert client.get(f"{PAGE}?after=nonsense").status_code == 200


def test_judging_over_http(
    session: Session, desk: Desk, cast: Cast, twins: list[Application], client: FlaskClient, clock: Clock
) -> None:
    one, two, _ = (application.id for application in twins)
    sign_in(client, cast.lead)
    page = client.get(PAGE).text
    assert "<mark>@ADA</mark>" in page
    assert "1 cluster to judge" in page
    assert "Possible duplicates" in client.get("/staff/test-challenge/").text
    assert client.post(f"{PAGE}/disqualify", data={"stays": one, "reason": "x"}).status_code == 422
    assert client.post(f"{PAGE}/dismiss", data={"pairs": pair_ids(session), "reason": "kin"}).location == PAGE
    assert "kin" in client.get(PAGE).text
    assert client.post(f"{PAGE}/restore/{one}/{two}").location == PAGE
    assert client.post(f"{PAGE}/compare").location == PAGE
    assert "Being compared" in client.get(PAGE).text
    assert compare(session, NOON) == 3
    assert client.post(f"{PAGE}/disqualify", data={"stays": one, "gone": [two], "reason": "x"}).location == PAGE
    assert "Nothing to judge" in client.get(PAGE).text


@pytest.mark.parametrize("who", ["reviewer", "applicant", "triager"])
def test_clusters_are_the_leads(client: FlaskClient, cast: Cast, who: str) -> None:
    account: Account = getattr(cast, who)
    sign_in(client, account)
    assert client.get(PAGE).status_code == 403
    for path in ("compare", "disqualify", "dismiss", "restore/1/2"):
        assert client.post(f"{PAGE}/{path}").status_code == 403
