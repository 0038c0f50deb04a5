"""Sealed messages of the demonstration: a question of the team, a word of a researcher, a missing certificate."""

import io
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from portal.accounts.models import Account
from portal.demo.submissions import KEYS, SEALED
from portal.demo.world import Stage, World
from portal.reports import intake, rules
from portal.reports.actions import certificates, replies, threads
from portal.reports.models import Message, ReplyTemplate, Report
from portal.reports.queries import keys, reports
from portal.reports.queries import threads as queries
from portal.reports.states import ReportState, Side

DIGITS = "20200501"


def converse(world: World, stage: Stage) -> None:
    """What is written about reports that are under way."""
    session, triager = world.session, world.staff["triager1"]
    lead = world.staff["lead"]
    replies.add_defaults(session, stage.challenge.id, stage.slug, by=lead, at=stage.challenge.apply_from)
    asked, doubted, reproduced = (
        _in_state(world, stage, state)
        for state in (ReportState.NEEDS_INFO, ReportState.CONFIRMED, ReportState.REPRODUCING)
    )
    for report in asked[:1]:
        at = report.state_since + timedelta(minutes=6)
        _certify(world, report.submitted_by, at)
        template = queries.template_of(session, stage.challenge.id, "needs-better-proof")
        _write(world, report, Side.TEAM, "message-team", triager, at + timedelta(minutes=9), template)
    for report in doubted[:1]:
        at = min(report.state_since + timedelta(hours=2), world.now)
        _write(world, report, Side.RESEARCHER, "message-researcher", report.submitted_by_id, at)
    for report in reproduced:
        if not queries.readers_certificates(session, report, world.now):
            at = min(report.state_since + timedelta(minutes=20), world.now)
            threads.ask_for_certificate(session, report, by=triager, at=at)
            break
    session.commit()


def _in_state(world: World, stage: Stage, state: ReportState) -> Sequence[Report]:
    found = sa.select(Report.id).where(Report.challenge_id == stage.challenge.id, Report.state == state)
    return [reports.draft(world.session, each) for each in world.session.scalars(found.order_by(Report.id))]


def _certify(world: World, account: Account, at: datetime) -> None:
    """The researcher gives the demonstration's certificate and opens what was sealed to it."""
    text = (KEYS / "demo-researcher.asc").read_text()
    offered = certificates.offer(world.session, account, text, DIGITS, demonstration=True, at=at)
    certificates.prove(world.session, account, offered, DIGITS, at=at + timedelta(minutes=2))


def _write(
    world: World, report: Report, side: Side, name: str, by: int, at: datetime, template: ReplyTemplate | None = None
) -> None:
    """A message as it is written: begun, its sealed bytes uploaded and walked over, sent."""
    session, limits, number = world.session, rules.Limits(), report.id
    data = (SEALED / f"{name}.pgp").read_bytes()
    message = threads.begin_message(session, report, side, limits, by=by, at=at)
    upload = threads.begin_message_upload(session, report, message, limits, length=len(data), at=at)
    message_id = message.id
    session.commit()  # bytes come in transactions of their own
    course = intake.course(session, upload, keys.accepted_sets(session, at), limits, at)
    intake.receive(session, world.store, course, io.BytesIO(data), at=at)
    report = reports.draft(session, number)
    threads.send_message(session, report, session.get_one(Message, message_id), template=template, by=by, at=at)
