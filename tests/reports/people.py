"""A desk at which tests make reports in any state, the way that people would."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from portal.challenges.models import Member
from portal.core.blobs import Blobs
from portal.core.moves import move_named
from portal.reports import intake, receipts, rules, states
from portal.reports.actions import drafts, own, triage
from portal.reports.models import Report, Upload
from portal.reports.queries import keys, reports
from portal.reports.states import ReportState, Severity
from tests.cast import NOON, Cast

# The moves of triage that lead from the arrival to a state, and what they need.
PATHS: dict[ReportState, tuple[str, ...]] = {
    ReportState.RECEIVED: (),
    ReportState.ACKNOWLEDGED: ("acknowledge",),
    ReportState.REPRODUCING: ("acknowledge", "reproduce"),
    ReportState.NEEDS_INFO: ("acknowledge", "ask"),
    ReportState.CONFIRMED: ("acknowledge", "reproduce", "confirm"),
    ReportState.FIXING: ("acknowledge", "reproduce", "confirm", "start-fix"),
    ReportState.FIXED: ("acknowledge", "reproduce", "confirm", "fix"),
    ReportState.CLOSED: ("acknowledge", "reproduce", "confirm", "fix", "close"),
    ReportState.BY_DESIGN: ("acknowledge", "by-design"),
    ReportState.APPEALED: ("acknowledge", "by-design"),
    ReportState.NOT_REPRODUCIBLE: ("acknowledge", "reproduce", "not-reproducible"),
    ReportState.OUT_OF_SCOPE: ("acknowledge", "out-of-scope"),
    ReportState.UNREADABLE: ("unreadable",),
}
OUTCOME = rules.Outcome(
    message="Thank you.", severity=Severity.IMPORTANT, mitigating_layer="The firewall", fixed_release="20.07",
    fixed_on=date(2020, 7, 21),
)  # fmt: skip


@dataclass
class Desk:
    """Makes reports."""

    session: Session
    cast: Cast
    store: Blobs
    signer: receipts.Signer
    seal: Callable[[int], bytes]

    def begin(self, member: Member | None = None, *, title: str = "Report", at: datetime = NOON) -> Report:
        """A draft."""
        given = drafts.Particulars(title, Severity.IMPORTANT, "20.06")
        report = drafts.begin_report(self.session, self.cast.challenge, member or self.cast.member, given, at=at)
        self.session.commit()
        return self.again(report)

    def again(self, report: Report) -> Report:
        """The report with everything loaded that its moves need."""
        return reports.draft(self.session, report.id)

    def upload(self, report: Report, *, body: bool = True, length: int | None = None, at: datetime = NOON) -> Upload:
        """A file announced."""
        by = report.submitted_by_id
        made = drafts.begin_upload(self.session, report, rules.Limits(), body=body, length=length, by=by, at=at)
        self.session.commit()
        return made

    def send(self, upload: Upload, data: bytes, *, length: int | None = None, at: datetime = NOON, **how: bytes) -> int:
        """Bytes that follow, and the end of the file if these were the last ones."""
        sets = keys.accepted_sets(self.session, at, upload.created_at)
        course = intake.course(self.session, upload, sets, rules.Limits())
        return intake.receive(self.session, self.store, course, io.BytesIO(data), at=at, length=length, **how)

    def receive(self, member: Member | None = None, *, title: str = "Report", at: datetime = NOON) -> Report:
        """A report that has arrived."""
        report = self.begin(member, title=title, at=at)
        data = self.seal(100)
        self.send(self.upload(report, length=len(data), at=at), data, at=at)
        report = self.again(report)
        drafts.submit(self.session, report, self.signer, by=report.submitted_by_id, at=at)
        self.session.commit()
        return self.again(report)

    def in_state(self, state: ReportState, member: Member | None = None, *, at: datetime = NOON) -> Report:
        """A report that triage has brought to a state."""
        if state is ReportState.UPLOADING:
            return self.begin(member, at=at)
        report = self.receive(member, at=at)
        if state is ReportState.WITHDRAWN:
            drafts.withdraw(self.session, report, by=report.submitted_by_id, at=at)
        elif state is ReportState.DUPLICATE:
            first = self.receive(member, at=at - timedelta(seconds=1))
            self.move(report, "acknowledge", at=at)
            self.move(report, "duplicate", rules.Outcome(duplicate_of_id=first.id), at=at)
        else:
            for name in PATHS[state]:
                self.move(report, name, at=at)
            if state is ReportState.APPEALED:
                self.own(report, "appeal", "Look at it again.", at=at)
        self.session.commit()
        return self.again(report)

    def move(
        self, report: Report, name: str, outcome: rules.Outcome = OUTCOME, *, at: datetime = NOON, by: int | None = None
    ) -> None:
        """One step of triage, by the first triager where nobody else is named."""
        step = move_named(states.MOVES, name)
        triage.move(self.session, report, step, outcome, by=by or self.cast.triager.id, at=at)

    def own(self, report: Report, name: str, message: str | None = None, *, at: datetime = NOON) -> None:
        """One step of the researcher's."""
        own.move(self.session, report, move_named(states.MOVES, name), message, by=report.submitted_by_id, at=at)
