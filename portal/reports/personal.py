"""What reports keep of a person, and what is forgotten with them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal.accounts import personal
from portal.challenges.models import Member
from portal.core.moves import take
from portal.reports import states
from portal.reports.actions import editions
from portal.reports.models import (
    BuildFinding,
    DisclosureProposal,
    KeySetMember,
    Message,
    PassingOn,
    Publication,
    PublicationReport,
    Report,
    ReportCredit,
    ReportEvent,
    ReportLink,
    ReportReader,
    ResearcherCertificate,
    Rewrap,
    Upload,
    UploadToken,
)
from portal.reports.queries import publications
from portal.reports.states import CertificateState
from portal.reports.states.threads import REMOVE


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
        **_of_key_sets(session, account_id),
        **_of_threads(session, account_id),
        **_of_chains(session, account_id),
        **_disclosing(session, account_id),
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


def _of_key_sets(session: Session, account_id: int) -> dict[str, Any]:
    """A triager's certificates, and what they wrapped for others."""
    members = session.scalars(
        sa.select(KeySetMember).where(KeySetMember.account_id == account_id).order_by(KeySetMember.id)
    ).all()
    wrapped = session.scalars(sa.select(Rewrap).where(Rewrap.by_id == account_id).order_by(Rewrap.id)).all()
    refuted = session.scalars(sa.select(Rewrap).where(Rewrap.refuted_by_id == account_id).order_by(Rewrap.id)).all()
    return {
        "certificates_in_key_sets": [
            {"key_set": each.key_set.number, "name": each.name, "certificate": each.certificate} for each in members
        ],
        "session_keys_wrapped_for_others": [
            {"sealed_file": each.upload_id, "fingerprint": each.fingerprint, "at": each.at, "state": each.state}
            for each in wrapped
        ],
        "session_keys_found_not_to_open": [
            {"sealed_file": each.upload_id, "fingerprint": each.fingerprint, "at": each.state_since} for each in refuted
        ],
    }


def _of_threads(session: Session, account_id: int) -> dict[str, Any]:
    """What is in clear of sealed messages, and the certificates for reading them."""
    return {
        "messages": [
            {"report": each.report_id, "number": each.number, "sent_at": each.sent_at, "reason": each.reason}
            for each in _messages(session, account_id)
        ],
        "certificates": [
            {"fingerprint": each.fingerprint, "user_id": each.name, "given_at": each.given_at, "state": each.state}
            for each in _certificates(session, account_id)
        ],
    }


def _of_chains(session: Session, account_id: int) -> dict[str, Any]:
    """The links that the person named, and what they said about passing a report on."""
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
    }


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


def _messages(session: Session, account_id: int) -> Sequence[Message]:
    return session.scalars(sa.select(Message).where(Message.author_id == account_id).order_by(Message.id)).all()


def _certificates(session: Session, account_id: int) -> Sequence[ResearcherCertificate]:
    rows = sa.select(ResearcherCertificate).where(ResearcherCertificate.account_id == account_id)
    return session.scalars(rows.order_by(ResearcherCertificate.id)).all()


def erase(session: Session, account_id: int, at: datetime) -> None:
    """Let no token act for the person any more, nobody seal to them or wait for them, and thank them no longer.

    Reports, their steps and sealed messages stay with the participant: they are about the product. Of a certificate
    only the fingerprint stays, which says what a message is sealed to.
    """
    session.execute(
        sa.update(Report)
        .where(Report.assignee_id == account_id, Report.state.in_(states.OPEN))
        .values(assignee_id=None)
    )
    session.execute(sa.delete(UploadToken).where(UploadToken.account_id == account_id))
    session.execute(sa.delete(ReportReader).where(ReportReader.account_id == account_id))
    for each in _certificates(session, account_id):
        if each.state in (CertificateState.OFFERED, CertificateState.LIVE):
            take(session, each, REMOVE, at=at, challenge=None, proof_hash=None)
        each.name, each.certificate = "", ""
    session.flush()
    # That it may be passed on stays true; the name under which does not.
    session.execute(sa.update(PassingOn).where(PassingOn.account_id == account_id).values(credit=""))
    _forget_words(session, account_id)
    with editions.noted(session, _challenges(session, account_id), at=at):
        _thank_no_more(session, account_id)
        _unlist(session, account_id)


def _challenges(session: Session, account_id: int) -> list[int]:
    """The challenges in which the person takes part, or has."""
    return list(session.scalars(sa.select(Member.challenge_id).where(Member.account_id == account_id)))


def _thank_no_more(session: Session, account_id: int) -> None:
    mine = sa.select(Member.id).where(Member.account_id == account_id)
    session.execute(
        sa.delete(ReportCredit).where(ReportCredit.member_id.in_(mine)).execution_options(synchronize_session=False)
    )


def _forget_words(session: Session, account_id: int) -> None:
    """A date stays: it is the other side's as well. What was said with it and to it goes."""
    for whose, forgotten in (
        (DisclosureProposal.by_id == account_id, {"message": None}),
        (sa.and_(DisclosureProposal.answered_by_id == account_id, DisclosureProposal.reason.is_not(None)),
         {"reason": ""}),
    ):  # fmt: skip
        session.execute(
            sa.update(DisclosureProposal).where(whose).values(forgotten).execution_options(synchronize_session=False)
        )


def _unlist(session: Session, account_id: int) -> None:
    """Link nothing any more that the person handed in, unless they were one of a team: then it is the others' too."""
    others = (
        sa.select(Member.id)
        .where(Member.participant_id == Publication.participant_id, Member.account_id != account_id)
        .exists()
    )
    alone = sa.select(Publication.id).where(
        Publication.submitted_by_id == account_id, Publication.participant_id.is_not(None), ~others
    )
    numbers = list(session.scalars(alone))
    for table, column in ((PublicationReport, PublicationReport.publication_id), (Publication, Publication.id)):
        session.execute(sa.delete(table).where(column.in_(numbers)).execution_options(synchronize_session=False))


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
        "As a triager: your certificate in the published key sets, with the name and address in it",
        "Key sets are signed and public: researchers compare them, and old reports name their keys.",
        "As long as the challenge's records.",
    )
)
personal.kept.append(
    personal.Kept(
        "Your certificate for sealed replies: the public half of a key, its fingerprint and user id",
        "So that the triage team can write to you without anybody else being able to read it.",
        "Until you erase your account; the fingerprint stays with the messages that were sealed to it.",
    )
)
personal.kept.append(
    personal.Kept(
        "Dates of disclosure that you proposed, publications that you handed in, and how you want to be thanked",
        "To agree with you on a date, to link what you publish, and to thank you because you asked for it.",
        "Dates and links as long as the challenge's records; thanks until you withdraw them or erase your account.",
    )
)
