"""What reports keep of a person, and what is forgotten with them."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal.accounts import personal
from portal.reports.models import PassingOn, Report, ReportLink, Upload, UploadToken


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
    links = session.scalars(
        sa.select(ReportLink).where(ReportLink.added_by_id == account_id).order_by(ReportLink.id)
    ).all()
    said = session.scalars(
        sa.select(PassingOn).where(PassingOn.account_id == account_id).order_by(PassingOn.report_id)
    ).all()
    return {
        "links": [{"report": each.report_id, "number": each.number, "title": each.title} for each in links],
        "passing_on": [
            {"report": each.report_id, "allowed": each.allowed, "credit": each.credit, "at": each.at} for each in said
        ],
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


def erase(session: Session, account_id: int, _at: datetime) -> None:
    """Let no token act for the person any more. Reports stay with the participant: they are about the product."""
    session.execute(sa.delete(UploadToken).where(UploadToken.account_id == account_id))
    # That it may be passed on stays true; the name under which does not.
    session.execute(sa.update(PassingOn).where(PassingOn.account_id == account_id).values(credit=""))


personal.exporters["reports"] = exported
personal.erasers.append(erase)
personal.kept.append(
    personal.Kept(
        "Your reports: title, build, severity, sizes and times in clear; the rest sealed",
        "To fix what you found and to prove who found it first. Only the triage team can open the sealed part.",
        "As long as the challenge's records.",
    )
)
