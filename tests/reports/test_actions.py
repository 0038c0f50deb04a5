"""What people do with reports: each verb works, is refused where it must be, and is told."""

import base64
import json
from collections.abc import Callable
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from sqlalchemy.orm import Session

from portal.challenges.models import Member
from portal.core.audit import AuditEntry
from portal.core.errors import Conflict, Invalid, Refused
from portal.core.moves import Move
from portal.core.outbox import OutgoingMail
from portal.reports import receipts, refusals, rules, states
from portal.reports.actions import drafts, triage
from portal.reports.actions.keys import make_token, publish_key_set, revoke_token
from portal.reports.certificates import Unfit
from portal.reports.models import KeySet, Note, Receipt, Report, Upload
from portal.reports.queries import keys, queue, reports
from portal.reports.rules.searching import Search
from portal.reports.states import KeyRole, ReportKind, ReportState, Severity, UploadState
from tests.cast import NOON, Cast
from tests.reports.conftest import RECOVERY, TIA, TOM, publish_next
from tests.reports.openpgp import certificate, fingerprint_of, subpacket
from tests.reports.people import OUTCOME, Desk

Mails = Callable[[], list[OutgoingMail]]
Seal = Callable[[int], bytes]
LATER = NOON + timedelta(hours=5)


def tags(session: Session) -> list[tuple[str, int | None]]:
    session.commit()
    return [(each.tag, each.actor_id) for each in session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id))]


def told(mails: Mails) -> list[tuple[str, str]]:
    return [(mail.template, mail.to) for mail in mails()]


# --- key sets ---


def test_a_key_set_keeps_what_the_walker_needs(session: Session, cast: Cast, key_set: KeySet) -> None:
    assert (key_set.number, key_set.published_at) == (1, NOON)
    assert [(member.role, member.account_id, member.name) for member in key_set.members] == [
        (KeyRole.TRIAGER, cast.triager.id, "Tom Triager <tom-triager@example.org>"),
        (KeyRole.TRIAGER, cast.second_triager.id, "Tia Triager <tia-triager@example.org>"),
        (KeyRole.RECOVERY, None, "Recovery <recovery@example.org>"),
    ]
    assert all(len(member.key_ids) == 1 and len(member.key_ids[0]) == 16 for member in key_set.members)
    assert key_set.recovery_fingerprint == key_set.members[2].fingerprint
    assert tags(session) == [("reports:publish-keys", cast.admin.id)]


def test_key_sets_are_numbered(session: Session, key_set: KeySet) -> None:
    newer = publish_next(session, [(None, certificate("New <new@example.org>", seed=7))], at=LATER)
    session.commit()

    assert newer.number == 2
    assert keys.current_set(session) is newer
    assert keys.accepted_sets(session, LATER + timedelta(days=13)) == [newer, key_set]
    assert keys.accepted_sets(session, LATER + timedelta(days=14)) == [newer]


def test_a_certificate_of_another_kind_keeps_the_set_from_being_published(session: Session, cast: Cast) -> None:
    wrong = certificate("Tom <tom@example.org>", features=subpacket(30, b"\x09"))

    with pytest.raises(Unfit, match="Its Features are 0x09"):
        publish_key_set(session, [(cast.triager.id, wrong)], RECOVERY, by=None, at=NOON)
    with pytest.raises(Invalid, match="The same certificate is there twice"):
        publish_key_set(session, [(None, RECOVERY)], RECOVERY, by=None, at=NOON)
    with pytest.raises(Invalid, match="one triager at least"):
        publish_key_set(session, [], RECOVERY, by=None, at=NOON)
    assert keys.current_set(session) is None


def test_the_recovery_key_belongs_to_no_account(session: Session, cast: Cast, key_set: KeySet) -> None:
    key_set.members[2].account_id = cast.triager.id

    with pytest.raises(sa.exc.IntegrityError, match="recovery_is_nobodys"):
        session.flush()


# --- drafts and files ---


def test_references_count_up_within_a_challenge(desk: Desk, cast: Cast) -> None:
    first, second = desk.begin(), desk.begin(cast.team.members[0])

    assert [(each.ref, each.number, each.state) for each in (first, second)] == [
        ("TCR-0001", 1, ReportState.UPLOADING),
        ("TCR-0002", 2, ReportState.UPLOADING),
    ]


def test_a_link_of_a_chain_keeps_what_it_assumes(session: Session, cast: Cast, key_set: KeySet) -> None:
    given = drafts.Particulars("A", Severity.LOW, "20.06", ReportKind.ASSUMING, "code execution in an application")
    whole = drafts.Particulars("B", Severity.LOW, "20.06", ReportKind.FULL, "something left in the field")

    assumes = drafts.begin_report(session, cast.challenge, cast.member, given, at=NOON)
    stands = drafts.begin_report(session, cast.challenge, cast.member, whole, at=NOON)

    assert (assumes.capability, stands.capability) == ("code execution in an application", None)
    assumes.capability = None
    with pytest.raises(sa.exc.IntegrityError, match="assuming_names_capability"):
        session.flush()


def test_a_report_has_one_body_and_numbered_attachments(desk: Desk, draft: Report) -> None:
    body, first, second = desk.upload(draft), desk.upload(draft, body=False), desk.upload(draft, body=False)

    assert [each.number for each in (body, first, second)] == [0, 1, 2]
    with pytest.raises(Conflict, match="has a body already"):
        desk.upload(draft)


def test_a_removed_file_makes_room_but_its_number_is_not_given_again(
    session: Session, desk: Desk, draft: Report
) -> None:
    body, first = desk.upload(draft), desk.upload(draft, body=False)
    for upload in (body, first):
        session.refresh(upload, ["report"])
        drafts.remove_upload(session, upload, by=draft.submitted_by_id, at=NOON)
    session.commit()

    assert {each.state for each in (body, first)} == {UploadState.REMOVED}
    assert desk.upload(draft).number == 0
    assert desk.upload(draft, body=False).number == 2


def test_limits_are_kept(session: Session, desk: Desk, draft: Report) -> None:
    tight = rules.Limits(file=1000, files=2, participant=1500)

    def begin(length: int | None, *, body: bool = False) -> Upload:
        return drafts.begin_upload(session, draft, tight, body=body, length=length, by=draft.submitted_by_id, at=NOON)

    with pytest.raises(refusals.TooLarge, match="1,000 bytes"):
        begin(1001)
    begin(1000, body=True)
    with pytest.raises(Refused, match="All your files together"):
        begin(501)
    begin(500)
    with pytest.raises(Refused, match="at most 2 files"):
        begin(1)


def test_no_files_are_added_or_removed_after_submission(session: Session, desk: Desk) -> None:
    report = desk.receive()
    upload = session.scalars(sa.select(Upload).options(sa.orm.joinedload(Upload.report))).one()

    with pytest.raises(Refused, match="has been submitted"):
        desk.upload(report, body=False)
    with pytest.raises(Refused, match="its files stay with it"):
        drafts.remove_upload(session, upload, by=report.submitted_by_id, at=NOON)


# --- submitting ---


def test_submit_gives_a_receipt_and_tells(
    session: Session, desk: Desk, cast: Cast, mails: Mails, signer: receipts.Signer
) -> None:
    report = desk.receive(at=NOON)

    assert (report.state, report.received_at, report.state_since) == (ReportState.RECEIVED, NOON, NOON)
    assert report.due_at == NOON + timedelta(days=1)
    assert report.key_set is not None
    assert report.key_set.number == 1
    assert told(mails) == [
        ("reports/receipt", cast.researcher.email),
        ("reports/received", cast.second_triager.email),
        ("reports/received", cast.triager.email),
    ]
    assert tags(session)[-1] == ("reports:submit", cast.researcher.id)
    assert [event.what for event in reports.events(session, report, told_only=True)] == ["submit"]


def test_mails_tell_nothing_but_the_reference(desk: Desk, mails: Mails) -> None:
    desk.receive(title="Overflow in the parser of the secret thing")

    told = [mail.context for mail in mails()]
    sealed_to = told[0].pop("fingerprints"), told[0].pop("key_set")
    assert sealed_to == ([fingerprint_of(seed).hex().upper() for seed in (1, 2, 3)], 1)
    assert told[0].pop("known_issues") == {"number": 0, "head": "0" * 64}
    assert {json.dumps(each, sort_keys=True) for each in told} == {'{"ref": "TCR-0001", "slug": "test-challenge"}'}


def test_the_receipt_is_what_was_signed(session: Session, desk: Desk, signer: receipts.Signer) -> None:
    report = desk.receive()
    receipt = session.get_one(Receipt, report.id)
    upload = session.scalars(sa.select(Upload)).one()

    key = load_pem_public_key(signer.public_pem.encode())
    key.verify(base64.b64decode(receipt.signature), receipt.body.encode())  # type: ignore[union-attr, call-arg]
    assert json.loads(receipt.body) == {
        "format": "report-receipt/2",
        "challenge": "test-challenge",
        "reference": "TCR-0001",
        "received_at": "2020-06-15T12:00:00.000000Z",
        "key_set": 1,
        "fingerprints": [fingerprint_of(seed).hex().upper() for seed in (1, 2, 3)],
        "files": [{"number": 0, "size": upload.position, "sha256": upload.sha256}],
        "known_issues": {"number": 0, "head": "0" * 64},
        "signing_key": signer.key_id,
    }


def test_submit_waits_for_every_file(session: Session, desk: Desk, signer: receipts.Signer, seal: Seal) -> None:
    report, data = desk.begin(), seal(100)
    by = report.submitted_by_id

    with pytest.raises(Refused, match="body of the report is missing"):
        drafts.submit(session, report, signer, by=by, at=NOON)
    upload = desk.upload(report, length=len(data))
    with pytest.raises(Refused, match="not wholly arrived"):
        drafts.submit(session, desk.again(report), signer, by=by, at=NOON)
    desk.send(upload, data)
    attachment = desk.upload(desk.again(report), body=False, length=len(data))
    with pytest.raises(Refused, match="not wholly arrived"):
        drafts.submit(session, desk.again(report), signer, by=by, at=NOON)
    desk.send(attachment, data)
    drafts.submit(session, desk.again(report), signer, by=by, at=NOON)
    session.commit()
    assert desk.again(report).state is ReportState.RECEIVED
    with pytest.raises(Refused, match="not possible"):
        drafts.submit(session, desk.again(report), signer, by=by, at=NOON)


# --- withdrawing ---


@pytest.mark.parametrize("state", list(ReportState))
def test_withdraw_is_possible_until_it_is_judged(session: Session, desk: Desk, state: ReportState) -> None:
    report = desk.in_state(state)

    if state in states.WITHDRAW.sources:
        drafts.withdraw(session, report, by=report.submitted_by_id, at=LATER)
        session.commit()
        assert (report.state, report.state_since, report.due_at) == (ReportState.WITHDRAWN, LATER, None)
    else:
        with pytest.raises(Refused, match="Withdraw"):
            drafts.withdraw(session, report, by=report.submitted_by_id, at=LATER)


def test_withdrawing_a_draft_removes_its_files_and_tells_nobody(session: Session, desk: Desk, mails: Mails) -> None:
    report = desk.begin()
    upload = desk.upload(report)

    drafts.withdraw(session, desk.again(report), by=report.submitted_by_id, at=NOON)
    session.commit()

    session.refresh(upload)
    assert upload.state is UploadState.REMOVED
    assert mails() == []


def test_of_two_moves_at_once_one_wins(session: Session, desk: Desk, cast: Cast) -> None:
    report = desk.receive()
    drafts.withdraw(session, report, by=report.submitted_by_id, at=NOON)
    session.commit()
    stale = desk.again(report)
    # What the second person had read before the first one moved it.
    sa.orm.attributes.set_committed_value(stale, "state", ReportState.RECEIVED)

    with pytest.raises(Conflict, match="Somebody has just moved it"):
        triage.acknowledge(session, stale, by=cast.triager.id, at=NOON)


# --- triage ---


@pytest.mark.parametrize("move", [move for move in states.MOVES if move.by], ids=lambda move: move.name)
def test_every_move_of_triage_leads_where_the_table_says(
    session: Session, desk: Desk, cast: Cast, mails: Mails, move: Move[ReportState]
) -> None:
    first = desk.receive()
    source = sorted(move.sources)[0]
    report = desk.in_state(source)
    before = len(mails())

    outcome = rules.Outcome(
        **{**{name: getattr(OUTCOME, name) for name in OUTCOME.__slots__}, "duplicate_of_id": first.id}
    )
    triage.move(session, report, move, outcome, by=cast.second_triager.id, at=LATER)
    session.commit()

    assert (report.state, report.state_since) == (move.target, LATER)
    assert [(mail.template, mail.to) for mail in mails()[before:]] == [("reports/moved", cast.researcher.email)]
    event = reports.events(session, desk.again(report), told_only=True)[-1]
    assert (event.what, event.actor_id, event.message) == (move.name, cast.second_triager.id, "Thank you.")
    assert tags(session)[-1] == (f"reports:{move.name}", cast.second_triager.id)


@pytest.mark.parametrize("move", [move for move in states.MOVES if move.by], ids=lambda move: move.name)
def test_no_move_leaves_another_state(session: Session, desk: Desk, cast: Cast, move: Move[ReportState]) -> None:
    source = next(state for state in ReportState if state not in move.sources and state is not ReportState.UPLOADING)
    report = desk.in_state(source)

    with pytest.raises(Refused, match="is not possible"):
        triage.move(session, report, move, OUTCOME, by=cast.triager.id, at=LATER)


@pytest.mark.parametrize(
    "move", [states.SUBMIT, states.WITHDRAW, states.EXPIRE, *states.OWN], ids=lambda move: move.name
)
def test_the_team_does_not_take_what_is_the_researchers(
    session: Session, desk: Desk, cast: Cast, move: Move[ReportState]
) -> None:
    with pytest.raises(Refused, match="not for the team"):
        triage.move(session, desk.receive(), move, OUTCOME, by=cast.triager.id, at=LATER)


@pytest.mark.parametrize(
    ("state", "name", "field"),
    [
        (ReportState.REPRODUCING, "confirm", "severity"),
        (ReportState.CONFIRMED, "fix", "fixed_release"),
        (ReportState.ACKNOWLEDGED, "by-design", "mitigating_layer"),
        (ReportState.ACKNOWLEDGED, "duplicate", "duplicate_of"),
        (ReportState.ACKNOWLEDGED, "ask", "message"),
    ],
)
def test_a_move_without_what_it_needs_is_refused(desk: Desk, state: ReportState, name: str, field: str) -> None:
    report = desk.in_state(state)

    with pytest.raises(Invalid) as caught:
        desk.move(report, name, rules.Outcome())
    assert field in caught.value.messages


def test_a_report_is_no_duplicate_of_itself(desk: Desk) -> None:
    report = desk.in_state(ReportState.ACKNOWLEDGED)

    with pytest.raises(Invalid, match="duplicate of itself"):
        desk.move(report, "duplicate", rules.Outcome(duplicate_of_id=report.id))


def test_clocks_run_from_arrival_and_stop_while_the_researcher_is_asked(session: Session, desk: Desk) -> None:
    report = desk.receive(at=NOON)
    seen = [report.due_at]
    for name, hours in [
        ("acknowledge", 1),
        ("reproduce", 2),
        ("ask", 3),
        ("reproduce", 51),
        ("confirm", 60),
        ("fix", 70),
    ]:
        desk.move(report, name, at=NOON + timedelta(hours=hours))
        seen.append(report.due_at)

    asked = timedelta(hours=48)
    assert seen == [
        NOON + timedelta(days=1), NOON + timedelta(days=3), NOON + timedelta(days=14), None,
        NOON + timedelta(days=14) + asked, NOON + timedelta(days=30) + asked, None,
    ]  # fmt: skip
    assert (report.acknowledged_at, report.triaged_at, report.decided_at) == (
        NOON + timedelta(hours=1), NOON + timedelta(hours=2), NOON + timedelta(hours=60),
    )  # fmt: skip
    assert (report.fixed_release, report.fixed_on, report.led_to_improvement) == ("20.07", date(2020, 7, 21), True)


def test_acknowledging_twice_is_acknowledging_once(session: Session, desk: Desk, cast: Cast) -> None:
    report = desk.receive()
    triage.acknowledge(session, report, by=cast.triager.id, at=NOON)
    triage.acknowledge(session, report, by=cast.second_triager.id, at=LATER)
    session.commit()

    assert report.acknowledged_at == NOON
    assert [event.what for event in reports.events(session, report, told_only=False)] == ["submit", "acknowledge"]


def test_assigning_is_told_to_the_audit_once(session: Session, desk: Desk, cast: Cast) -> None:
    report = desk.receive()
    for _ in range(2):
        triage.assign(session, report, cast.second_triager.id, by=cast.triager.id, at=NOON)

    assert report.assignee_id == cast.second_triager.id
    assert tags(session)[-2:] == [("reports:submit", cast.researcher.id), ("reports:assign", cast.triager.id)]


def test_assessing_wants_an_opened_report_and_keeps_severity_of_confirmed_ones(
    session: Session, desk: Desk, cast: Cast
) -> None:
    received, confirmed = desk.receive(), desk.in_state(ReportState.CONFIRMED)
    scenario = cast.challenge.scenarios[1].id

    def assess(report: Report, severity: Severity | None) -> None:
        triage.assess(
            session, report, severity=severity, achieved_scenario_id=scenario, led_to_improvement=True,
            by=cast.triager.id, at=NOON,
        )  # fmt: skip

    with pytest.raises(Refused, match="Acknowledge the report first"):
        assess(received, Severity.LOW)
    with pytest.raises(Invalid, match="has a severity"):
        assess(confirmed, None)
    assess(confirmed, Severity.CRITICAL)
    session.commit()
    assert (confirmed.severity, confirmed.achieved_scenario_id, confirmed.led_to_improvement) == (
        Severity.CRITICAL, scenario, True,
    )  # fmt: skip


def test_notes_are_kept_among_triagers(session: Session, desk: Desk, cast: Cast) -> None:
    report = desk.receive()
    triage.add_note(session, report, "Looks like last month's.", by=cast.triager.id, at=NOON)
    session.commit()

    assert [(note.text, note.account_id) for note in session.scalars(sa.select(Note).order_by(Note.id))] == [
        ("Looks like last month's.", cast.triager.id)
    ]


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"state": ReportState.RECEIVED}, "received_time"),
        ({"state": ReportState.CLOSED}, "received_time|acknowledged_time"),
        ({"state": ReportState.BY_DESIGN}, "received_time|by_design_layer|acknowledged_time"),
        ({"mitigating_layer": "x"}, "by_design_layer"),
        ({"fixed_release": "20.07"}, "fixed_release|fixed_day"),
        ({"acknowledged_at": NOON}, "acknowledged_time"),
        ({"received_at": NOON}, "received_time|received_key_set"),
    ],
)
def test_the_database_refuses_nonsense(
    session: Session, draft: Report, values: dict[str, object], constraint: str
) -> None:
    with pytest.raises(sa.exc.IntegrityError, match=constraint):
        session.execute(sa.update(Report).where(Report.id == draft.id).values(values))


# --- tokens ---


def test_a_token_acts_until_it_is_revoked_or_expires(session: Session, cast: Cast) -> None:
    secret = make_token(session, cast.challenge.id, "laptop", by=cast.researcher.id, at=NOON)
    session.commit()

    found = keys.live_token(session, secret, NOON)
    assert found is not None
    assert (found.account_id, found.name) == (cast.researcher.id, "laptop")
    assert secret not in found.token_hash
    assert keys.live_token(session, secret, NOON + timedelta(days=90)) is None
    assert keys.live_token(session, secret + "x", NOON) is None
    revoke_token(session, found, by=cast.researcher.id, at=NOON)
    revoke_token(session, found, by=cast.researcher.id, at=LATER)
    session.commit()
    assert keys.live_token(session, secret, NOON) is None
    assert found.revoked_at == NOON
    assert [tag for tag, _ in tags(session)] == ["reports:make-token", "reports:revoke-token"]


def test_a_token_of_an_inactive_account_is_none(session: Session, cast: Cast) -> None:
    secret = make_token(session, cast.challenge.id, "laptop", by=cast.researcher.id, at=NOON)
    cast.researcher.active = False
    session.commit()

    assert keys.live_token(session, secret, NOON) is None


# --- queries ---


def test_the_queue_shows_what_is_due_first_and_goes_on(session: Session, desk: Desk, cast: Cast) -> None:
    for hours in (3, 1, 2):
        desk.receive(at=NOON - timedelta(hours=hours))
    desk.in_state(ReportState.NEEDS_INFO, at=NOON - timedelta(days=9))
    desk.in_state(ReportState.BY_DESIGN)
    desk.begin()

    where = (session, cast.challenge.id, Search(), cast.triager.id, NOON)
    first = queue.page(*where, limit=3)
    rest = queue.page(*where, first.next, limit=3)

    assert [report.ref for report in [*first.rows, *rest.rows]] == ["TCR-0001", "TCR-0003", "TCR-0002", "TCR-0004"]
    assert rest.next is None
    assert reports.waiting(session, cast.challenge.id, reader=0) == (3, NOON - timedelta(hours=3))
    assert reports.late(session, cast.challenge.id, NOON + timedelta(hours=22, minutes=30), reader=0) == 2


def test_results_count_what_arrived_and_was_not_withdrawn(session: Session, desk: Desk, cast: Cast) -> None:
    for state in (ReportState.FIXED, ReportState.WITHDRAWN, ReportState.UPLOADING, ReportState.BY_DESIGN):
        desk.in_state(state)

    assert [each.state for each in reports.submitted(session, cast.challenge.id)] == [
        ReportState.FIXED,
        ReportState.BY_DESIGN,
    ]


def test_nobody_finds_the_report_of_another_participant(session: Session, desk: Desk, cast: Cast) -> None:
    report = desk.receive()
    other: Member = cast.team.members[0]

    assert reports.of_participant(session, other.participant_id) == []
    with pytest.raises(Exception, match="no such report"):
        reports.own(session, other.participant_id, report.ref)


def test_the_certificates_of_the_cast_differ() -> None:
    assert len({TOM, TIA, RECOVERY}) == 3
