"""What applicants tell, and what the staff makes of it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from portal.accounts.models import Account
from portal.applications import search
from portal.applications.states import (
    DECIDED,
    GONE,
    ApplicantKind,
    ApplicationState,
    Decision,
    Disqualified,
    Evidence,
    ImportState,
    QuestionKind,
    Triage,
)
from portal.challenges.models import Challenge, Scenario
from portal.core.constraints import explain
from portal.core.db import Model, refers
from portal.core.moves import Moving


def _within(states: Iterable[ApplicationState]) -> str:
    return ", ".join(f"'{state.value}'" for state in states)


_LIVE = sa.text(f"state NOT IN ({_within(GONE)})")
_KEPT = sa.text("state <> 'erased'")

application_scenario = sa.Table(
    "application_scenario",
    Model.metadata,
    sa.Column("application_id", sa.ForeignKey("application.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("scenario_id", sa.ForeignKey("scenario.id"), primary_key=True, index=True),
)


class Application(Moving[ApplicationState], Model):
    """One application of one person or team for one challenge."""

    __tablename__ = "application"
    __table_args__ = (
        sa.CheckConstraint("(decided_by_id IS NULL) = (decided_at IS NULL)", name="decided_whole"),
        sa.CheckConstraint(f"state NOT IN ({_within(DECIDED)}) OR decided_at IS NOT NULL", name="decided_has_decider"),
        sa.CheckConstraint("state NOT IN ('draft', 'submitted') OR decided_at IS NULL", name="open_is_undecided"),
        sa.CheckConstraint("state <> 'invited' OR answer_by IS NOT NULL", name="invited_has_deadline"),
        sa.CheckConstraint("(state = 'disqualified') = (disqualified IS NOT NULL)", name="disqualified_has_kind"),
        sa.CheckConstraint(
            "(disqualified IS NULL) = (disqualified_reason IS NULL)", name="disqualified_has_reason"
        ),
        sa.CheckConstraint(
            "(coalesce(disqualified, '') = 'duplicate') = (duplicate_of_id IS NOT NULL)", name="duplicate_has_original"
        ),
        sa.CheckConstraint("duplicate_of_id <> id", name="duplicate_of_another"),
        sa.CheckConstraint("state IN ('draft', 'erased') OR submitted_at IS NOT NULL", name="submitted_has_time"),
        sa.CheckConstraint("(pending_decision IS NULL) = (pending_at IS NULL)", name="pending_has_time"),
        sa.CheckConstraint(
            "(review_count = 0) = (score_mean IS NULL) AND (review_count = 0) = (score_adjusted IS NULL)",
            name="score_has_reviews",
        ),
        sa.CheckConstraint("review_count > 1 OR score_spread IS NULL", name="spread_has_reviews"),
        sa.CheckConstraint("needs_kit = (no_kit_because IS NULL)", name="no_kit_has_reason"),
        sa.Index(
            "uq_application_live", "challenge_id", "canonical_email", unique=True,
            sqlite_where=_LIVE, postgresql_where=_LIVE,
        ),
        sa.Index(
            "uq_application_account", "challenge_id", "account_id", unique=True,
            sqlite_where=_KEPT, postgresql_where=_KEPT,
        ),
        sa.Index("ix_application_by_score", "challenge_id", "state", "score_adjusted", "id"),
        sa.Index("ix_application_to_triage", "challenge_id", "state", "looks", "rnd"),
        sa.Index("ix_application_to_review", "challenge_id", "state", "review_count", "rnd"),
        sa.Index("ix_application_by_time", "challenge_id", "state", "submitted_at", "id"),
        # The same whatever the state: the lists of the staff, which begin with everything.
        sa.Index("ix_application_all_by_score", "challenge_id", "score_adjusted", "id"),
        sa.Index("ix_application_all_by_raw", "challenge_id", "score_mean", "id"),
        sa.Index("ix_application_all_by_spread", "challenge_id", "score_spread", "id"),
        sa.Index("ix_application_all_by_reviews", "challenge_id", "review_count", "id"),
        sa.Index("ix_application_all_by_time", "challenge_id", "submitted_at", "id"),
        sa.Index("ix_application_all_by_name", "challenge_id", "name", "id"),
        sa.Index("ix_application_all_by_chance", "challenge_id", "rnd", "id"),
        sa.Index("ix_application_by_country", "challenge_id", "country", "state"),
        sa.Index("ix_application_pending", "challenge_id", "pending_decision", "wave_id"),
        sa.Index("ix_application_answer", "state", "answer_by"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey("challenge.id"))
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"), index=True)
    # As of submitting; see accounts.rules.canonical_email.
    canonical_email: Mapped[str] = mapped_column(sa.String(254))
    state: Mapped[ApplicationState] = mapped_column(default=ApplicationState.DRAFT)
    state_since: Mapped[datetime]
    created_at: Mapped[datetime]
    saved_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    # Counts what the applicant saved, so that two tabs do not overwrite each other. Nothing of the staff's touches it.
    version: Mapped[int] = mapped_column(default=0)

    name: Mapped[str] = mapped_column(sa.String(80), default="")
    handle: Mapped[str] = mapped_column(sa.String(80), default="")
    affiliation: Mapped[str] = mapped_column(sa.String(120), default="")
    country: Mapped[str] = mapped_column(sa.String(2), default="")
    kind: Mapped[ApplicantKind] = mapped_column(default=ApplicantKind.SINGLE)
    team: Mapped[list[str]] = mapped_column(sa.JSON, default=list, deferred=True, deferred_group="text")
    links: Mapped[list[str]] = mapped_column(sa.JSON, default=list, deferred=True, deferred_group="text")
    experience: Mapped[str] = mapped_column(sa.Text, default="", deferred=True, deferred_group="text")
    plan: Mapped[str] = mapped_column(sa.Text, default="", deferred=True, deferred_group="text")
    kit_use: Mapped[str] = mapped_column(sa.Text, default="", deferred=True, deferred_group="text")
    # Answers to the lead's own questions, by the number of the question.
    answers: Mapped[dict[str, Any]] = mapped_column(default=dict, deferred=True, deferred_group="text")
    certificate: Mapped[str] = mapped_column(sa.Text, default="", deferred=True, deferred_group="text")
    adult: Mapped[bool] = mapped_column(default=False)
    permitted: Mapped[bool] = mapped_column(default=False)
    independent: Mapped[bool] = mapped_column(default=False)
    agrees: Mapped[bool] = mapped_column(default=False)
    # The version of the agreement that was current when it was submitted.
    agreement_id: Mapped[int | None] = mapped_column(sa.ForeignKey("agreement.id"))

    # The staff's. `wave_id` names a wave of the room above, which knows applications and not the other way round.
    triage: Mapped[Triage | None]
    # How many people have looked at it in the first pass, and whether it belongs to the second one.
    looks: Mapped[int] = mapped_column(default=0)
    in_review: Mapped[bool] = mapped_column(default=False)
    # Whether every reviewer reads it, so that their scores can be compared.
    calibration: Mapped[bool] = mapped_column(default=False)
    flags: Mapped[list[str]] = mapped_column(sa.JSON, default=list, deferred=True)
    screening: Mapped[dict[str, Any]] = mapped_column(default=dict, deferred=True)
    cluster_id: Mapped[int | None]
    # The order in which reviewers meet applications of the same rank: nobody's early or late time matters.
    rnd: Mapped[int]
    review_count: Mapped[int] = mapped_column(default=0)
    score_mean: Mapped[float | None] = mapped_column(sa.Double)
    # The mean without what is the reviewers' harshness or mildness, how far off it may be (one standard error), and how
    # far the reviewers' opinions lie apart (standard deviation); see selection.rules.scores.
    score_adjusted: Mapped[float | None] = mapped_column(sa.Double)
    score_error: Mapped[float | None] = mapped_column(sa.Double)
    score_spread: Mapped[float | None] = mapped_column(sa.Double)
    # Between which ranks it lies, as far as that can be told; written when scores are fitted.
    rank_best: Mapped[int | None]
    rank_worst: Mapped[int | None]
    pending_decision: Mapped[Decision | None]
    pending_at: Mapped[datetime | None]
    wave_id: Mapped[int | None] = mapped_column(index=True)
    decided_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))
    decided_at: Mapped[datetime | None]
    answer_by: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    disqualified: Mapped[Disqualified | None]
    disqualified_reason: Mapped[str | None] = mapped_column(sa.String(500))
    duplicate_of_id: Mapped[int | None] = mapped_column(sa.ForeignKey("application.id"))
    # Whether a place comes with a kit; where it does not, the lead says why.
    needs_kit: Mapped[bool] = mapped_column(default=True, server_default=sa.true())
    no_kit_because: Mapped[str | None] = mapped_column(sa.String(300), deferred=True)

    challenge: Mapped[Challenge] = refers()
    account: Mapped[Account] = refers(foreign_keys=[account_id])
    scenarios: Mapped[list[Scenario]] = relationship(secondary=application_scenario, order_by=Scenario.position)
    # What the lead of its challenge asks besides, or asked once.
    questions: Mapped[list["Question"]] = relationship(
        primaryjoin=lambda: foreign(Question.challenge_id) == Application.challenge_id,
        order_by=lambda: (Question.position, Question.id), viewonly=True, uselist=True,
    )  # fmt: skip


class Question(Model):
    """One question that the lead asks besides what every challenge asks. What was answered is never deleted."""

    __tablename__ = "application_question"
    __table_args__ = (sa.Index("ix_application_question_challenge_id", "challenge_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey("challenge.id"))
    position: Mapped[int]
    kind: Mapped[QuestionKind]
    label: Mapped[str] = mapped_column(sa.String(200))
    hint: Mapped[str] = mapped_column(sa.String(500), default="")
    required: Mapped[bool] = mapped_column(default=False)
    # Whether the answer tells who somebody is, so that whoever reads blind must not see it.
    personal: Mapped[bool] = mapped_column(default=False)
    choices: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    retired_at: Mapped[datetime | None]

    @property
    def field(self) -> str:
        """How the question is called in forms, tables and messages."""
        return f"answer_{self.id}"


class Revision(Model):
    """What was submitted, each time it was."""

    __tablename__ = "application_revision"
    __table_args__ = (sa.UniqueConstraint("application_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(sa.ForeignKey("application.id", ondelete="CASCADE"))
    number: Mapped[int]
    at: Mapped[datetime]
    content: Mapped[dict[str, Any]] = mapped_column(deferred=True)


class Step(Model):
    """One change of state, for the timeline. `reason` and `by_id` are for the staff's eyes."""

    __tablename__ = "application_step"
    __table_args__ = (sa.Index("ix_application_step_application_id", "application_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(sa.ForeignKey("application.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    state: Mapped[ApplicationState]
    by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))
    reason: Mapped[str | None] = mapped_column(sa.String(500))
    by: Mapped[Account | None] = refers()


class DuplicatePair(Model):
    """One piece of evidence that two applications come from one person, until a person says otherwise.

    `detail` is what is equal, `share` how much of the texts is (1 for all other evidence).
    """

    __tablename__ = "duplicate_pair"
    __table_args__ = (
        sa.UniqueConstraint("low_id", "high_id", "kind"),
        sa.CheckConstraint("low_id < high_id", name="ordered"),
        sa.CheckConstraint("(dismissed_at IS NULL) = (dismissed_by_id IS NULL)", name="dismissed_whole"),
        sa.Index("ix_duplicate_pair_challenge_id", "challenge_id", "dismissed_at"),
        sa.Index("ix_duplicate_pair_high_id", "high_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey("challenge.id"))
    low_id: Mapped[int] = mapped_column(sa.ForeignKey("application.id", ondelete="CASCADE"))
    high_id: Mapped[int] = mapped_column(sa.ForeignKey("application.id", ondelete="CASCADE"))
    kind: Mapped[Evidence]
    detail: Mapped[str] = mapped_column(sa.String(300))
    share: Mapped[float] = mapped_column(sa.Double, default=1.0)
    found_at: Mapped[datetime]
    dismissed_at: Mapped[datetime | None]
    dismissed_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id"))
    reason: Mapped[str | None] = mapped_column(sa.String(500))


class DuplicateScan(Model):
    """When the applications of a challenge were last compared, and what too many have in common to mean anything.

    `asked_at` is set while somebody wants them compared at once.
    """

    __tablename__ = "duplicate_scan"

    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey("challenge.id"), primary_key=True)
    scanned_at: Mapped[datetime | None]
    asked_at: Mapped[datetime | None]
    compared: Mapped[int] = mapped_column(default=0)
    took_ms: Mapped[int] = mapped_column(default=0)
    # Lists of kind, value and how many applications tell it.
    common: Mapped[list[list[Any]]] = mapped_column(sa.JSON, default=list)


class Import(Moving[ImportState], Model):
    """A file of applications from elsewhere. What it holds is forgotten as soon as it is taken over or put away."""

    __tablename__ = "application_import"
    __table_args__ = (
        sa.CheckConstraint("state NOT IN ('done', 'discarded') OR content IS NULL", name="over_is_forgotten"),
        sa.Index("ix_application_import_challenge_id", "challenge_id", "id"),
        sa.Index("ix_application_import_state", "state", "state_since"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge_id: Mapped[int] = mapped_column(sa.ForeignKey("challenge.id"))
    by_id: Mapped[int] = mapped_column(sa.ForeignKey("account.id"))
    created_at: Mapped[datetime]
    state: Mapped[ImportState] = mapped_column(default=ImportState.CHECKED)
    state_since: Mapped[datetime]
    filename: Mapped[str] = mapped_column(sa.String(120))
    # The file as it came, compressed with zlib.
    content: Mapped[bytes | None] = mapped_column(deferred=True)
    rows: Mapped[int]
    good: Mapped[int]
    # The first faults, each with line, field and message, and how many there are in all.
    faults: Mapped[list[list[Any]]] = mapped_column(sa.JSON, deferred=True)
    fault_count: Mapped[int]
    # How many rows have been dealt with, and how many became applications.
    done: Mapped[int] = mapped_column(default=0)
    made: Mapped[int] = mapped_column(default=0)

    challenge: Mapped[Challenge] = refers()


search.INDEX.attach(Application.__table__)

explain(
    "uq_application_live",
    "There is an application from this mailbox for this challenge already.",
    columns="application.challenge_id, application.canonical_email",
)
explain(
    "uq_application_account",
    "You have an application for this challenge already. Look at it again.",
    columns="application.challenge_id, application.account_id",
)
