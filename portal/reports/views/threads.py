"""Sealed messages as the two pages and portal-triage show them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from flask import url_for

from portal.accounts.current import current_account
from portal.accounts.models import Account
from portal.challenges.models import Challenge
from portal.challenges.queries import team_of
from portal.core import clock
from portal.core.db import db
from portal.core.errors import Refused
from portal.reports import rules, states
from portal.reports.models import KeySet, Message, ReplyTemplate, Report, ResearcherCertificate, Upload
from portal.reports.queries import keys
from portal.reports.queries import threads as queries
from portal.reports.queries.threads import Written
from portal.reports.states import Side
from portal.reports.views.shapes import instant
from portal.reports.views.who import limits


class Reader(NamedTuple):
    """Somebody who opens a message: name, fingerprint, and what they are."""

    name: str
    fingerprint: str
    role: str


class Panel(NamedTuple):
    """What a page shows of a report's messages.

    `read` is how far the person has read, `seen` how far the other side has. `readers` are those of the participant who
    read what the team writes, `certificates` theirs to which one can seal, `missing` those who have none. `shut` says
    why nothing can be written, empty where one can.
    """

    lines: list[Written]
    side: Side
    unread: int
    read: int
    seen: int
    shut: str
    key_set: KeySet | None
    readers: Sequence[Account]
    certificates: Sequence[ResearcherCertificate]
    missing: list[Account]
    asked: bool
    answers: bool
    most: int
    team: list[Account]

    def word(self, message: Message) -> tuple[str, str]:
        """Whether a message has been read, and the tone in which to say it."""
        if message.side is self.side:
            return ("read", "good") if message.number <= self.seen else ("not read yet", "waiting")
        return ("read", "plain") if message.number <= self.read else ("unread", "care")

    def opened_by(self, written: Written) -> list[Reader]:
        """Whose keys open a message."""
        return readers_of(written)


def readers_of(written: Written) -> list[Reader]:
    """Whose keys open a message, as far as the portal knows them."""
    ids = set(rules.sealed_to(written.upload))
    members = written.upload.key_set.members if written.upload.key_set else []
    team = [Reader(each.name, each.fingerprint, each.role) for each in members if not ids.isdisjoint(each.key_ids)]
    return team + [Reader(each.name, each.fingerprint, "researcher") for each in written.certificates]


def _panel(report: Report, side: Side, account: Account) -> Panel:
    readers = queries.readers(db.session, report)
    certificates = queries.certificates_of(db.session, [each.id for each in readers], clock.now())
    held = {each.account_id for each in certificates}
    current = keys.current_set(db.session)
    try:
        rules.check_writable(report)
        rules.check_open(current, clock.now())
        shut = ""
    except Refused as refusal:
        shut = refusal.reason
    other, kept = rules.other(side), queries.reading(db.session, report.id, account.id)
    return Panel(
        lines=queries.thread(db.session, report.id),
        side=side,
        read=kept.number if kept else 0,
        seen=queries.seen(db.session, report, other),
        unread=queries.unread(db.session, [report.id], account.id, other).get(report.id, 0),
        shut=shut,
        key_set=current,
        readers=readers,
        certificates=certificates,
        missing=[each for each in readers if each.id not in held],
        asked=bool(queries.asked_for_certificate(db.session, [report.id])),
        answers=report.state in states.ANSWER.sources,
        most=limits().message,
        team=[each.account for each in team_of(db.session, report.participant_id)] if side is Side.RESEARCHER else [],
    )


def for_researcher(report: Report) -> Panel:
    """What the researcher sees."""
    return _panel(report, Side.RESEARCHER, current_account())


def for_team(_challenge: Challenge, report: Report) -> Panel:
    """What triagers see."""
    return _panel(report, Side.TEAM, current_account())


def begun(number: int, create: str, send: str, *, slug: str, ref: str) -> dict[str, Any]:
    """Where the bytes of a message that was begun go, and where it is sent."""
    return {
        "number": number,
        "uploads_url": url_for(create, slug=slug, ref=ref, number=number),
        "submit_url": url_for(send, slug=slug, ref=ref, number=number),
    }


def as_json(slug: str, report: Report, lines: Sequence[Written]) -> list[dict[str, Any]]:
    """The messages for portal-triage."""
    return [
        {
            "number": each.message.number,
            "side": each.message.side,
            "by": each.message.author.name or each.message.author.email,
            "sent_at": instant(each.message.sent_at),
            "reason": each.message.reason,
            "reason_words": each.message.reason_words,
            "upload": each.upload.id,
            "size": each.upload.position,
            "sha256": each.upload.sha256,
            "readers": [reader._asdict() for reader in readers_of(each)],
            "url": url_for("reports.staff_message_file", slug=slug, ref=report.ref, number=each.message.number),
        }
        for each in lines
    ]


def certificate_json(certificate: ResearcherCertificate) -> dict[str, Any]:
    """One reader's certificate for portal-triage."""
    return {
        "person": str(certificate.account_id),
        "name": certificate.account.name or certificate.name,
        "fingerprint": certificate.fingerprint,
        "proved_at": instant(certificate.proved_at),
        "expires_at": instant(certificate.expires_at),
        "armored": certificate.certificate,
    }


def template_json(template: ReplyTemplate) -> dict[str, Any]:
    """A template as portal-triage fills it in."""
    return {"code": template.code, "title": template.title, "move": template.move, "text": template.text}


def key_set_json(found: KeySet) -> dict[str, Any]:
    """A key set with its certificates."""
    members = [
        {"role": each.role, "name": each.name, "fingerprint": each.fingerprint, "armored": each.certificate}
        for each in found.members
    ]
    return {"number": found.number, "members": members}


def name_of(report: Report, upload: Upload) -> str:
    """What the sealed file of a message is called."""
    return f"{report.ref}-message-{upload.number}.pgp"
