"""Reports: what stays in clear of them, and what happened to them."""

import base64
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, foreign, mapped_column

from portal.accounts.models import Account
from portal.challenges.models import Build, Challenge, Participant, Scenario
from portal.core.constraints import explain
from portal.core.db import Model, refers
from portal.core.moves import Moving
from portal.reports.models.keys import KeySet
from portal.reports.models.releases import Release
from portal.reports.states import ReportKind, ReportState, Severity, Told


class Report(Moving[ReportState], Model):
    """One sealed report. Its text is nowhere here: only who, when, sizes, and a title that is meant to tell nothing.

    `claimed` is the researcher's severity, `severity` the programme's. `due_at` is when the present clock runs out,
    None where none runs; `paused_seconds` is how long the report has waited for the researcher. Clocks run from
    `clock_since`, which is the arrival until an appeal, a reopening or a dispute lets them begin anew. At `warn_at`
    most of the present one is gone; `told` says who has been reminded. `release_id` is the release for which a fix is
    planned; `fixed_release` and `fixed_on` are the facts once it is out. `replaces_id` is an unreadable report of which
    this is the same, sealed again.
    """

    __tablename__ = "report"
    __table_args__ = (
        sa.UniqueConstraint("challenge_id", "number"),
        sa.UniqueConstraint("challenge_id", "ref"),
        sa.CheckConstraint("(kind = 'assuming') = (capability IS NOT NULL)", name="assuming_names_capability"),
        sa.CheckConstraint(
            "state = 'withdrawn' OR (state = 'uploading') = (received_at IS NULL)", name="received_time"
        ),
        sa.CheckConstraint("(received_at IS NULL) = (key_set_id IS NULL)", name="received_key_set"),
        sa.CheckConstraint(
            "(state IN ('uploading', 'received') AND acknowledged_at IS NULL) OR state IN ('unreadable', 'withdrawn') "
            "OR (state NOT IN ('uploading', 'received') AND acknowledged_at IS NOT NULL)",
            name="acknowledged_time",
        ),
        sa.CheckConstraint(
            "state NOT IN ('confirmed', 'fixing', 'fixed', 'closed') OR severity IS NOT NULL", name="confirmed_severity"
        ),
        sa.CheckConstraint("(state = 'by_design') = (mitigating_layer IS NOT NULL)", name="by_design_layer"),
        sa.CheckConstraint(
            "(state = 'duplicate') = (duplicate_of_id IS NOT NULL OR known_issue_id IS NOT NULL)", name="duplicate_of"
        ),
        sa.CheckConstraint("duplicate_of_id IS NULL OR known_issue_id IS NULL", name="duplicate_of_one"),
        sa.CheckConstraint("duplicate_of_id <> id", name="duplicate_of_another"),
        sa.CheckConstraint("(state IN ('fixed', 'closed')) = (fixed_release IS NOT NULL)", name="fixed_release"),
        sa.CheckConstraint("(fixed_release IS NULL) = (fixed_on IS NULL)", name="fixed_day"),
        sa.CheckConstraint("paused_seconds >= 0", name="paused"),
        sa.CheckConstraint("state <> 'appealed' OR appealed_at IS NOT NULL", name="appealed_time"),
        sa.CheckConstraint("replaces_id <> id", name="replaces_another"),
        sa.ForeignKeyConstraint(["challenge_id", "build_id"], ["build.challenge_id", "build.id"]),
        sa.ForeignKeyConstraint(["challenge_id", "reproduced_on_id"], ["build.challenge_id", "build.id"]),
        sa.ForeignKeyConstraint(["challenge_id", "release_id"], ["report_release.challenge_id", "report_release.id"]),
        sa.Index("ix_report_queue", "challenge_id", "state", "due_at", "id"),
        sa.Index("ix_report_participant", "participant_id", "number"),
        sa.Index("ix_report_warn", "warn_at"),
        sa.Index("ix_report_release", "release_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey(Challenge.id))
    number: Mapped[int]
    ref: Mapped[str] = mapped_column(sa.String(16))
    participant_id: Mapped[int] = mapped_column(sa.ForeignKey(Participant.id))
    submitted_by_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    title: Mapped[str] = mapped_column(sa.String(120))
    kind: Mapped[ReportKind] = mapped_column(default=ReportKind.FULL)
    capability: Mapped[str | None] = mapped_column(sa.String(200))
    # The same from the challenge's list, where it stands there.
    capability_id: Mapped[int | None] = mapped_column(sa.ForeignKey("capability.id"))
    scenario_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Scenario.id))
    claimed: Mapped[Severity]
    build: Mapped[str] = mapped_column(sa.String(60))
    state: Mapped[ReportState] = mapped_column(default=ReportState.UPLOADING)
    state_since: Mapped[datetime]
    created_at: Mapped[datetime]
    received_at: Mapped[datetime | None]
    key_set_id: Mapped[int | None] = mapped_column(sa.ForeignKey(KeySet.id))
    acknowledged_at: Mapped[datetime | None]
    triaged_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    paused_seconds: Mapped[int] = mapped_column(default=0)
    clock_since: Mapped[datetime | None]
    warn_at: Mapped[datetime | None]
    told: Mapped[Told] = mapped_column(default=Told.NOTHING)
    # Who ended it last: an appeal is for somebody else to decide.
    decided_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))
    appealed_at: Mapped[datetime | None]
    disputed_at: Mapped[datetime | None]
    assignee_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))
    severity: Mapped[Severity | None]
    # The scenario that it really achieves, which triage says; `scenario_id` is what the researcher aimed at.
    achieved_scenario_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Scenario.id))
    led_to_improvement: Mapped[bool] = mapped_column(default=False)
    mitigating_layer: Mapped[str | None] = mapped_column(sa.String(200))
    duplicate_of_id: Mapped[int | None] = mapped_column(sa.ForeignKey("report.id"))
    # What the team had written down before, where no other report was first.
    known_issue_id: Mapped[int | None] = mapped_column(sa.ForeignKey("known_issue.id"))
    fixed_release: Mapped[str | None] = mapped_column(sa.String(40))
    fixed_on: Mapped[date | None]
    release_id: Mapped[int | None]
    # The row of the build that `build` names, None where it is not in the challenge's list.
    build_id: Mapped[int | None]
    reproduced_on_id: Mapped[int | None]
    cvss: Mapped[str | None] = mapped_column(sa.String(200))
    replaces_id: Mapped[int | None] = mapped_column(sa.ForeignKey("report.id"), unique=True)

    challenge: Mapped[Challenge] = refers()
    participant: Mapped[Participant] = refers(lazy="raise_on_sql")
    submitted_by: Mapped[Account] = refers(foreign_keys=[submitted_by_id])
    assignee: Mapped[Account | None] = refers(lazy="raise_on_sql", foreign_keys=[assignee_id])
    scenario: Mapped[Scenario | None] = refers(lazy="raise_on_sql", foreign_keys=[scenario_id])
    achieved_scenario: Mapped[Scenario | None] = refers(lazy="raise_on_sql", foreign_keys=[achieved_scenario_id])
    key_set: Mapped[KeySet | None] = refers(lazy="raise_on_sql")
    duplicate_of: Mapped["Report | None"] = refers(
        lazy="raise_on_sql", remote_side=[id], foreign_keys=[duplicate_of_id]
    )
    replaces: Mapped["Report | None"] = refers(lazy="raise_on_sql", remote_side=[id], foreign_keys=[replaces_id])
    release: Mapped[Release | None] = refers(
        lazy="raise_on_sql", primaryjoin=lambda: foreign(Report.release_id) == Release.id
    )
    build_row: Mapped[Build | None] = refers(
        lazy="raise_on_sql", primaryjoin=lambda: foreign(Report.build_id) == Build.id
    )
    reproduced_on: Mapped[Build | None] = refers(
        lazy="raise_on_sql", primaryjoin=lambda: foreign(Report.reproduced_on_id) == Build.id
    )


class ReportEvent(Model):
    """One line of a report's timeline. `message` is what the team tells the researcher, in clear.

    `reason_code` is the code that went with it, `detail` what it named: a layer, the first report, a release.
    """

    __tablename__ = "report_event"
    __table_args__ = (sa.Index("ix_report_event_report", "report_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    report_id: Mapped[int] = mapped_column(sa.ForeignKey("report.id"))
    at: Mapped[datetime]
    what: Mapped[str] = mapped_column(sa.String(40))
    actor_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))
    message: Mapped[str | None] = mapped_column(sa.String(1000))
    reason_code: Mapped[str | None] = mapped_column(sa.String(40))
    detail: Mapped[str | None] = mapped_column(sa.String(200))
    # Whether the researcher sees it.
    told: Mapped[bool] = mapped_column(default=True)
    actor: Mapped[Account | None] = refers(lazy="raise_on_sql")


class Note(Model):
    """What triagers write among themselves."""

    __tablename__ = "report_note"

    id: Mapped[int] = mapped_column(primary_key=True)
    report_id: Mapped[int] = mapped_column(sa.ForeignKey("report.id"), index=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey(Account.id))
    at: Mapped[datetime]
    text: Mapped[str] = mapped_column(sa.Text)
    account: Mapped[Account] = refers(lazy="raise_on_sql")


class Receipt(Model):
    """What the server has signed about a report: the very bytes, and the signature over them (Ed25519, base64)."""

    __tablename__ = "receipt"

    report_id: Mapped[int] = mapped_column(sa.ForeignKey("report.id"), primary_key=True)
    made_at: Mapped[datetime]
    body: Mapped[str] = mapped_column(sa.Text)
    signature: Mapped[str] = mapped_column(sa.String(88))

    @property
    def raw_signature(self) -> bytes:
        """The signature's sixty-four octets, as OpenSSL reads them."""
        return base64.b64decode(self.signature)


explain("uq_report_replaces_id", "That report has been replaced already.", columns="report.replaces_id")
explain("ck_report_duplicate_of_another", "A report cannot be a duplicate of itself.")
