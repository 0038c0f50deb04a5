"""What reports keep of a person, and what is forgotten with them."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal.accounts import personal
from portal.reports import states
from portal.reports.models import BuildFinding, Report, ReportEvent, Upload, UploadToken


def exported(session: Session, account_id: int) -> dict[str, Any]:
    """What is in clear of the person's reports, and their tokens. What was sealed, nobody here can read."""
    reports = session.scalars(
        sa.select(Report)
        .options(joinedload(Report.challenge))
        .where(Report.submitted_by_id == account_id)
        .order_by(Report.id)
    ).all()
    files = session.scalars(sa.select(Upload).where(Upload.owner_id == account_id).order_by(Upload.created_at)).all()
    tokens = session.scalars(
        sa.select(UploadToken).where(UploadToken.account_id == account_id).order_by(UploadToken.id)
    ).all()
    return {
        **_done(session, account_id),
        "reports": [
            {
                "reference": report.ref, "challenge": report.challenge.slug, "title": report.title,
                "state": report.state, "build": report.build, "severity_claimed": report.claimed,
                "severity": report.severity, "received_at": report.received_at,
            }
            for report in reports
        ],
        "sealed_files": [
            {"report": file.report_id, "number": file.number, "size": file.position, "sha256": file.sha256}
            for file in files
        ],
        "tokens": [{"name": token.name, "created_at": token.created_at} for token in tokens],
    }  # fmt: skip


def _done(session: Session, account_id: int) -> dict[str, Any]:
    """The steps that the person took with reports, and what they found on builds."""
    said = session.execute(
        sa.select(Report.ref, ReportEvent.at, ReportEvent.what, ReportEvent.message)
        .join(Report, Report.id == ReportEvent.report_id)
        .where(ReportEvent.actor_id == account_id)
        .order_by(ReportEvent.id)
    ).all()
    looked = session.execute(
        sa.select(Report.ref, BuildFinding.build_id, BuildFinding.finding, BuildFinding.at)
        .join(Report, Report.id == BuildFinding.report_id)
        .where(BuildFinding.by_id == account_id)
        .order_by(BuildFinding.at, Report.id)
    ).all()
    return {
        "steps_of_reports": [
            {"report": ref, "at": at, "what": what, "message": message} for ref, at, what, message in said
        ],
        "findings_on_builds": [
            {"report": ref, "build": build, "finding": finding, "at": at} for ref, build, finding, at in looked
        ],
    }


def erase(session: Session, account_id: int, _at: datetime) -> None:
    """Let no token act for the person any more, and let them be responsible for nothing that is open.

    Reports and their steps stay with the participant: they are about the product.
    """
    session.execute(
        sa.update(Report)
        .where(Report.assignee_id == account_id, Report.state.in_(states.OPEN))
        .values(assignee_id=None)
    )
    session.execute(sa.delete(UploadToken).where(UploadToken.account_id == account_id))


personal.exporters["reports"] = exported
personal.erasers.append(erase)
personal.kept.append(
    personal.Kept(
        "Your reports: title, build, severity, sizes and times in clear; the rest sealed",
        "To fix what you found and to prove who found it first. Only the triage team can open the sealed part.",
        "As long as the challenge's records.",
    )
)
