"""What reports keep of a person, and what is forgotten with them."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal.accounts import personal
from portal.challenges.models import Member
from portal.reports.models import DisclosureProposal, Publication, Report, ReportCredit, Upload, UploadToken
from portal.reports.queries import publications


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
        **_disclosing(session, account_id),
        "tokens": [{"name": token.name, "created_at": token.created_at} for token in tokens],
    }  # fmt: skip


def _disclosing(session: Session, account_id: int) -> dict[str, Any]:
    """The dates that the person proposed, what they handed in as published, and how they want to be thanked."""
    dates = session.scalars(
        sa.select(DisclosureProposal).where(DisclosureProposal.by_id == account_id).order_by(DisclosureProposal.id)
    ).all()
    links = session.scalars(
        sa.select(Publication).where(Publication.submitted_by_id == account_id).order_by(Publication.id)
    ).all()
    return {
        "disclosure_dates": [
            {"proposed_at": each.at, "date": each.instant, "message": each.message, "answer": each.answer}
            for each in dates
        ],
        "publications": [{"title": each.title, "url": each.url, "state": each.state} for each in links],
        "report_credits": [
            {"report": ref, "kind": credit.kind, "name": credit.name, "link": credit.url}
            for credit, ref in publications.credited(session, account_id)
        ],
    }


def erase(session: Session, account_id: int, _at: datetime) -> None:
    """Let no token act for the person any more, and thank them no longer. Reports stay: they are about the product."""
    session.execute(sa.delete(UploadToken).where(UploadToken.account_id == account_id))
    mine = sa.select(Member.id).where(Member.account_id == account_id)
    session.execute(
        sa.delete(ReportCredit).where(ReportCredit.member_id.in_(mine)).execution_options(synchronize_session=False)
    )
    # A date stays: it is the team's as well. What was said with it goes.
    session.execute(
        sa.update(DisclosureProposal)
        .where(DisclosureProposal.by_id == account_id)
        .values(message=None)
        .execution_options(synchronize_session=False)
    )


personal.exporters["reports"] = exported
personal.erasers.append(erase)
personal.kept.append(
    personal.Kept(
        "Your reports: title, build, severity, sizes and times in clear; the rest sealed",
        "To fix what you found and to prove who found it first. Only the triage team can open the sealed part.",
        "As long as the challenge's records.",
    )
)
personal.kept.append(
    personal.Kept(
        "Dates of disclosure that you proposed, publications that you handed in, and how you want to be thanked",
        "To agree with you on a date, to link what you publish, and to thank you because you asked for it.",
        "Dates and links as long as the challenge's records; thanks until you withdraw them or erase your account.",
    )
)
