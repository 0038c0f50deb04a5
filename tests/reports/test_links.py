"""Chains: each link is decided by itself, the whole agrees with them, and nobody is a duplicate of who was later."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core.audit import AuditEntry
from portal.core.errors import Conflict, Invalid, NotFound, Refused
from portal.core.moves import move_named
from portal.core.outbox import OutgoingMail
from portal.reports import jobs, rules, states
from portal.reports.actions import drafts, own
from portal.reports.actions import links as actions
from portal.reports.models import Report, ReportEvent, ReportLink
from portal.reports.queries import links, reports
from portal.reports.states import LinkKind, LinkState, ReportState, Severity
from tests.cast import NOON, Cast
from tests.reports.people import OUTCOME, Desk

LATER = NOON + timedelta(hours=1)
FOUR = (
    rules.LinkText("The first link", LinkKind.ENTRY, None, "code in an application"),
    rules.LinkText("The second link", LinkKind.ELEVATION, "code in an application", "more rights"),
    rules.LinkText("The third link", LinkKind.BYPASS, "more rights", "changed settings"),
    rules.LinkText("The fourth link", LinkKind.PERSISTENCE, "changed settings", "what stays"),
)


class Chains:
    """Draws up chains and decides on their links."""

    def __init__(self, session: Session, cast: Cast, desk: Desk) -> None:
        self.session, self.cast, self.desk = session, cast, desk

    def report(self, state: ReportState = ReportState.REPRODUCING, *, count: int = 4, at: object = NOON) -> Report:
        """A report with a chain."""
        report = self.desk.in_state(state, at=NOON)
        if count:
            actions.add_links(self.session, report, FOUR[:count], by=self.cast.triager.id, at=NOON)
        self.session.commit()
        return self.desk.again(report)

    def link(self, report: Report, number: int) -> ReportLink:
        """One of its links."""
        return links.numbered(self.session, report.id, number)

    def decide(self, report: Report, number: int, name: str, **verdict: object) -> ReportLink:
        """One decision."""
        step, link = move_named(states.LINK_MOVES, name), self.link(report, number)
        given = rules.Verdict(**verdict)  # type: ignore[arg-type]
        actions.decide_link(self.session, report, link, step, given, by=self.cast.triager.id, at=LATER)
        self.session.commit()
        return link


@pytest.fixture
def chains(session: Session, cast: Cast, desk: Desk) -> Chains:
    return Chains(session, cast, desk)


def titles(session: Session, report: Report) -> list[tuple[int, str]]:
    return [(link.number, link.title) for link in links.of_report(session, report.id)]


# --- drawing up ---


def test_a_chain_comes_with_the_draft(session: Session, cast: Cast, desk: Desk) -> None:
    given = drafts.Particulars("A chain", Severity.CRITICAL, "20.06", links=FOUR[:2])
    report = drafts.begin_report(session, cast.challenge, cast.member, given, at=NOON)
    session.commit()

    assert titles(session, report) == [(1, "The first link"), (2, "The second link")]
    assert [link.added_by_id for link in links.of_report(session, report.id)] == [cast.researcher.id] * 2
    # A draft has no timeline yet.
    assert session.scalars(sa.select(ReportEvent)).all() == []


def test_links_are_added_split_ordered_edited_and_taken_out(session: Session, cast: Cast, chains: Chains) -> None:
    report, by = chains.report(count=3), cast.triager.id

    second = rules.LinkText("A link between", LinkKind.OTHER)
    actions.split_link(session, report, chains.link(report, 1), second, "a foot in", by=by, at=LATER)
    assert titles(session, report) == [
        (1, "The first link"), (4, "A link between"), (2, "The second link"), (3, "The third link"),
    ]  # fmt: skip
    one, four = chains.link(report, 1), chains.link(report, 4)
    assert (one.gives, four.assumes, four.gives) == ("a foot in", "a foot in", "code in an application")

    actions.order_links(session, report, [2, 1, 4, 3], by=by, at=LATER)
    assert [number for number, _ in titles(session, report)] == [2, 1, 4, 3]
    with pytest.raises(Invalid, match="Name each link once"):
        actions.order_links(session, report, [2, 1, 4], by=by, at=LATER)
    with pytest.raises(Invalid):
        actions.order_links(session, report, [2, 1, 4, 3, 3], by=by, at=LATER)

    actions.edit_link(session, report, one, rules.LinkText("Anew", LinkKind.ENTRY), by=by, at=LATER)
    actions.remove_link(session, report, chains.link(report, 4), by=by, at=LATER)
    session.commit()
    assert titles(session, report) == [(2, "The second link"), (1, "Anew"), (3, "The third link")]
    assert (chains.link(report, 1).assumes, chains.link(report, 1).gives) == (None, None)
    written = [each.tag for each in session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id))]
    assert written[-5:] == [
        "reports:link-add", "reports:link-add", "reports:link-order", "reports:link-edit", "reports:link-remove",
    ]  # fmt: skip
    with pytest.raises(NotFound):
        chains.link(report, 4)


def test_a_chain_has_room_for_so_many_and_is_not_changed_at_the_end(
    session: Session, cast: Cast, chains: Chains
) -> None:
    report, by = chains.report(count=4), cast.triager.id
    with pytest.raises(Refused, match="at most 12 links"):
        actions.add_links(session, report, FOUR * 3, by=by, at=LATER)
    ended = chains.desk.in_state(ReportState.BY_DESIGN)
    with pytest.raises(Refused, match="the report is by design"):
        actions.add_links(session, ended, FOUR, by=by, at=LATER)
    chains.decide(report, 1, "confirm", severity=Severity.LOW)
    for change in (
        lambda link: actions.remove_link(session, report, link, by=by, at=LATER),
        lambda link: actions.edit_link(session, report, link, FOUR[1], by=by, at=LATER),
        lambda link: actions.split_link(session, report, link, FOUR[1], "between", by=by, at=LATER),
    ):
        with pytest.raises(Refused, match=r"Link 1 is confirmed\. Have it decided anew first"):
            change(chains.link(report, 1))


def test_whoever_edits_or_decides_after_somebody_else_loses(session: Session, cast: Cast, chains: Chains) -> None:
    report = chains.report()
    seen = chains.link(report, 1)
    assert seen.state is LinkState.OPEN
    meanwhile = {"state": LinkState.CONFIRMED, "severity": Severity.LOW, "decided_at": NOON}
    session.execute(
        sa.update(ReportLink)
        .where(ReportLink.id == seen.id)
        .values(**meanwhile)
        .execution_options(synchronize_session=False)
    )

    with pytest.raises(Conflict, match="Somebody has just decided on it"):
        actions.edit_link(session, report, seen, FOUR[1], by=cast.triager.id, at=LATER)
    with pytest.raises(Conflict, match="Somebody has just decided on it"):
        actions.remove_link(session, report, seen, by=cast.triager.id, at=LATER)
    with pytest.raises(Conflict, match="Somebody has just moved it"):
        chains.decide(report, 1, "out-of-scope", message="No.")


# --- deciding ---

FULL = {
    "message": "Thank you.", "severity": Severity.IMPORTANT, "mitigating_layer": "The firewall",
    "fixed_release": "20.07", "fixed_on": date(2020, 7, 21),
}  # fmt: skip


@pytest.mark.parametrize(
    ("before", "name", "after"),
    [
        ([], "confirm", LinkState.CONFIRMED),
        (["confirm"], "fix", LinkState.FIXED),
        ([], "by-design", LinkState.BY_DESIGN),
        (["confirm"], "by-design", LinkState.BY_DESIGN),
        ([], "not-reproducible", LinkState.NOT_REPRODUCIBLE),
        ([], "out-of-scope", LinkState.OUT_OF_SCOPE),
        (["by-design"], "reopen", LinkState.OPEN),
        (["confirm", "fix"], "reopen", LinkState.OPEN),
    ],
)
def test_each_link_is_decided_by_itself(
    session: Session, cast: Cast, chains: Chains, mails: Callable[[], list[OutgoingMail]], before: list[str], name: str,
    after: LinkState,
) -> None:  # fmt: skip
    report = chains.report()
    for step in before:
        chains.decide(report, 2, step, **FULL)

    link = chains.decide(report, 2, name, **FULL)

    assert (link.state, link.decided_at is None) == (after, after is LinkState.OPEN)
    assert {each.state for each in links.of_report(session, report.id) if each.number != 2} == {LinkState.OPEN}
    event = reports.events(session, report, told_only=True)[-1]
    assert (event.what, event.message) == (f"link-{name}", "Link 2. Thank you.")
    assert [(mail.template, mail.to) for mail in mails()][-1] == ("reports/moved", cast.researcher.email)
    assert session.scalars(sa.select(AuditEntry.tag).order_by(AuditEntry.id.desc()).limit(1)).one() == (
        f"reports:link-{name}"
    )


@pytest.mark.parametrize("step", states.LINK_MOVES, ids=lambda step: step.name)
def test_a_decision_says_what_it_needs(session: Session, chains: Chains, step: object) -> None:
    assert isinstance(step, states.LINK_MOVES[0].__class__)
    with pytest.raises(Invalid) as caught:
        rules.values_of(step, rules.Verdict())

    assert set(caught.value.messages) == set(step.needs)


@pytest.mark.parametrize(
    "state", sorted(set(ReportState) - states.LINKS_DECIDED - {ReportState.UPLOADING, ReportState.DUPLICATE})
)
def test_links_are_not_decided_while_nobody_works_on_the_report(chains: Chains, state: ReportState) -> None:
    report = chains.desk.in_state(state)
    link = ReportLink(id=1, report_id=report.id, number=1, title="A", state=LinkState.OPEN)

    with pytest.raises(Refused, match="Links are not decided while the report is"):
        rules.check_link_step(report, states.CONFIRM_LINK, link, [link])


def test_the_database_refuses_a_link_that_says_half(session: Session, chains: Chains) -> None:
    report = chains.report(count=1)
    for values, name in (
        ({"state": "confirmed", "decided_at": NOON}, "confirmed_severity"),
        ({"state": "duplicate", "decided_at": NOON}, "duplicate_of"),
        ({"state": "known", "decided_at": NOON}, "known_issue"),
        ({"state": "by_design", "decided_at": NOON}, "by_design_layer"),
        ({"state": "fixed", "decided_at": NOON, "severity": "low"}, "fixed_release"),
        ({"state": "out_of_scope"}, "decided_time"),
        ({"severity": "low"}, "confirmed_severity"),
        ({"duplicate_link_id": 1}, "duplicate_link_of"),
        ({"title": ""}, "has_title"),
    ):
        with pytest.raises(sa.exc.IntegrityError, match=f"ck_report_link_{name}"), session.begin_nested():
            session.execute(sa.update(ReportLink).where(ReportLink.report_id == report.id).values(**values))


# --- the whole and its links ---


def test_a_report_with_a_good_link_is_no_duplicate_as_a_whole(session: Session, chains: Chains, desk: Desk) -> None:
    first = desk.in_state(ReportState.CONFIRMED)
    report = chains.report()
    chains.decide(report, 2, "confirm", severity=Severity.CRITICAL)

    for name, outcome in (
        ("duplicate", rules.Outcome(duplicate_of_id=first.id)),
        ("by-design", rules.Outcome(mitigating_layer="The firewall")),
        ("not-reproducible", rules.Outcome(message="No.")),
    ):
        with pytest.raises(Refused, match=r"Link 2 is confirmed, so the report as a whole is not .* Confirm"):
            desk.move(report, name, outcome)
    desk.move(report, "confirm")
    assert report.state is ReportState.CONFIRMED


def test_a_report_none_of_whose_links_is_good_is_not_confirmed(chains: Chains, desk: Desk) -> None:
    report = chains.report(count=1)
    chains.decide(report, 1, "by-design", mitigating_layer="The firewall")

    with pytest.raises(Refused, match="No link of it is confirmed"):
        desk.move(report, "confirm")


def test_the_last_good_link_of_a_confirmed_report_stays(chains: Chains, desk: Desk) -> None:
    report = chains.report(count=2)
    chains.decide(report, 1, "confirm", severity=Severity.LOW)
    desk.move(report, "confirm")

    with pytest.raises(Refused, match="link 1 is all of it that is confirmed"):
        chains.decide(report, 1, "reopen", message="A slip.")
    chains.decide(report, 2, "confirm", severity=Severity.LOW)
    assert chains.decide(report, 1, "reopen", message="A slip.").state is LinkState.OPEN


def test_a_report_is_not_closed_while_a_link_is_undecided(chains: Chains, desk: Desk) -> None:
    report = chains.report(count=3)
    chains.decide(report, 1, "confirm", severity=Severity.LOW)
    desk.move(report, "confirm")
    desk.move(report, "fix")

    with pytest.raises(Refused, match="Links 2 and 3 are not decided yet"):
        desk.move(report, "close")


def test_duplicate_in_part_is_said_in_one_sentence(session: Session, chains: Chains, desk: Desk) -> None:
    first = desk.in_state(ReportState.CONFIRMED)
    report = chains.report()
    chains.decide(report, 1, "confirm", severity=Severity.CRITICAL)
    chains.decide(report, 4, "confirm", severity=Severity.CRITICAL)
    for number in (2, 3):
        chains.decide(report, number, "duplicate", duplicate_of=(first, None))

    found = links.of_report(session, report.id)
    assert rules.in_part(report, found) == "Links 1 and 4 confirmed; links 2 and 3 duplicate."
    assert rules.in_part(report, []) == ""


# --- who was first ---


def test_a_duplicate_of_a_duplicate_is_one_of_the_first(session: Session, chains: Chains, desk: Desk) -> None:
    first = chains.report(count=2)
    second = chains.report(count=1)
    chains.decide(second, 1, "duplicate", duplicate_of=(first, chains.link(first, 2)))
    third = chains.report(count=1)

    link = chains.decide(third, 1, "duplicate", duplicate_of=(second, chains.link(second, 1)))

    assert (link.duplicate_of_id, link.duplicate_link_id) == (first.id, chains.link(first, 2).id)

    whole, copy = desk.in_state(ReportState.REPRODUCING), desk.in_state(ReportState.REPRODUCING)
    desk.move(whole, "duplicate", rules.Outcome(duplicate_of_id=first.id))
    desk.move(copy, "duplicate", rules.Outcome(duplicate_of_id=whole.id))
    assert copy.duplicate_of_id == first.id


def test_nobody_is_a_duplicate_of_who_came_later_unless_a_lead_says_so(
    session: Session, cast: Cast, chains: Chains, desk: Desk
) -> None:
    report, later = chains.report(count=1), desk.in_state(ReportState.REPRODUCING)
    sentence = f"{later.ref} arrived later than {report.ref}, so it was not first"

    with pytest.raises(Refused, match=sentence):
        desk.move(report, "duplicate", rules.Outcome(duplicate_of_id=later.id))
    with pytest.raises(Refused, match=sentence):
        chains.decide(report, 1, "duplicate", duplicate_of=(later, None))
    with pytest.raises(Refused, match="arrived first: nothing need be allowed"):
        actions.allow_later(session, later, report, "No need.", by=cast.lead.id, at=LATER)

    actions.allow_later(session, report, later, "The first one was sent by mail.", by=cast.lead.id, at=LATER)
    assert chains.decide(report, 1, "duplicate", duplicate_of=(later, None)).duplicate_of_id == later.id
    hidden = reports.events(session, report, told_only=False)[-2]
    assert (hidden.what, hidden.told) == ("allow-later", False)
    # Even so, nothing goes round in a circle.
    actions.add_links(session, later, FOUR[:1], by=cast.triager.id, at=LATER)
    with pytest.raises(Refused, match="nor of one that is a duplicate of it"):
        chains.decide(later, 1, "duplicate", duplicate_of=(report, chains.link(report, 1)))


def test_nobody_and_no_job_closes_what_has_an_undecided_link(session: Session, chains: Chains, desk: Desk) -> None:
    report = chains.report(count=2)
    chains.decide(report, 1, "confirm", severity=Severity.IMPORTANT)
    for name in ("confirm", "fix"):
        desk.move(report, name, replace(OUTCOME, duplicate_of_id=None))

    with pytest.raises(Refused, match="Link 2 is not decided yet"):
        own.move(session, report, states.VERIFY, None, by=report.submitted_by_id, at=LATER)
    assert jobs.settle(session, LATER + timedelta(days=60)) == 0
    chains.decide(report, 2, "out-of-scope", message="The cloud's part.")

    assert jobs.settle(session, LATER + timedelta(days=60)) == 1


def test_the_line_of_a_duplicate_names_the_first_of_all(session: Session, desk: Desk) -> None:
    first = desk.in_state(ReportState.ACKNOWLEDGED)
    second = desk.in_state(ReportState.REPRODUCING, at=NOON + timedelta(hours=1))
    third = desk.in_state(ReportState.REPRODUCING, at=NOON + timedelta(hours=2))
    desk.move(second, "duplicate", rules.Outcome(duplicate_of_id=first.id))

    desk.move(third, "duplicate", rules.Outcome(duplicate_of_id=second.id))

    assert reports.events(session, third, told_only=False)[-1].detail == first.ref


@pytest.mark.parametrize("state", [ReportState.WITHDRAWN, ReportState.UNREADABLE])
def test_what_fell_away_is_nobodys_first_and_its_duplicates_are_looked_at_again(
    session: Session, cast: Cast, chains: Chains, desk: Desk, state: ReportState
) -> None:
    first = desk.in_state(ReportState.ACKNOWLEDGED)
    whole, part = desk.in_state(ReportState.REPRODUCING), chains.report(count=1)
    desk.move(whole, "duplicate", rules.Outcome(duplicate_of_id=first.id))
    chains.decide(part, 1, "duplicate", duplicate_of=(first, None))
    with pytest.raises(Refused, match="still stands"):
        actions.reconsider(session, whole, by=cast.triager.id, at=LATER)
    assert links.adrift(session, cast.challenge.id) == []

    if state is ReportState.WITHDRAWN:
        drafts.withdraw(session, first, by=first.submitted_by_id, at=LATER)
    else:
        desk.move(first, "unreadable")
    session.commit()

    assert {each.id for each in links.adrift(session, cast.challenge.id)} == {whole.id, part.id}
    chains.decide(part, 1, "reopen", message="Again.")
    with pytest.raises(Refused, match="nothing can be a duplicate of it"):
        chains.decide(part, 1, "duplicate", duplicate_of=(first, None))
    actions.reconsider(session, whole, by=cast.triager.id, at=LATER)
    assert (whole.state, whole.duplicate_of_id, whole.clock_since) == (ReportState.ACKNOWLEDGED, None, LATER)
    assert links.adrift(session, cast.challenge.id) == []


def test_what_looks_alike_is_told_from_what_is_in_clear(session: Session, cast: Cast, desk: Desk) -> None:
    report = desk.receive(title="Report about the network daemon")
    same = desk.receive(title="The network stack", at=NOON + timedelta(days=2))
    desk.receive(title="Something else", at=NOON + timedelta(days=3))
    desk.receive(title="An old network", at=NOON + timedelta(days=61))

    [found] = links.similar(session, report, reader=cast.triager.id)

    assert (found.report.id, found.earlier) == (same.id, False)
    assert found.reasons == ("both titles say “network”", "same build", "2 days apart")
