"""Everything that the team can do about reports, done about those of one participant."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.awards.states import Quality
from portal.challenges.models import Member
from portal.core.moves import move_named
from portal.reports import rules, states
from portal.reports.actions import capabilities, publications, releases, replies, rewraps, upstream
from portal.reports.actions import links as chains
from portal.reports.actions.drafts import withdraw
from portal.reports.actions.publications import Link
from portal.reports.actions.upstream import CaseText
from portal.reports.models import Advisory, KeySet, Publication, Release, Upload, UpstreamCase
from portal.reports.queries import keys, threads
from portal.reports.queries import upstream as cases
from portal.reports.queries.links import numbered
from portal.reports.states import PublicationKind, ReportState, Side
from tests.awards.conftest import Jury
from tests.cast import NOON, Cast
from tests.reports.conftest import TOM, publish_next
from tests.reports.openpgp import certificate, recipient
from tests.reports.people import Desk
from tests.reports.press import HOUR, Press
from tests.reports.threads import key_ids, live, written

NEW = certificate("New <new@example.org>", seed=7)
LATER = NOON + timedelta(hours=1)
# When pages are looked at: what was asked has waited for long by then, and results are about to come out.
READ = HOUR + timedelta(days=3)
RESULTS = datetime(2020, 9, 15, 16, tzinfo=NOON.tzinfo)


@dataclass
class Lists:
    """The team at work. What it needs besides reports is there before anything is done."""

    session: Session
    cast: Cast
    desk: Desk
    press: Press
    jury: Jury

    def __post_init__(self) -> None:
        by, challenge = self.cast.triager.id, self.cast.challenge
        replies.add_defaults(self.session, challenge.id, self.cast.slug, by=by, at=NOON)
        self.release: Release = releases.plan(self.session, challenge, "20.08", date(2020, 8, 26), "", by=by, at=NOON)
        members = [(by, TOM), (self.cast.second_triager.id, NEW)]
        self.key_set: KeySet = publish_next(self.session, members, at=NOON + timedelta(minutes=1))
        self.capability = capabilities.add(self.session, challenge, "APP", "code in it", None, by=by, at=NOON)
        self.press.build("20.06")
        self.press.build("20.07")
        self.press.release(RESULTS)

    def about(self, member: Member) -> None:
        """All of it, about reports of a member's participant."""
        self.waiting(member)
        self.messages(member)
        self.adrift(member)
        self.advisory(member)
        self.ready(member)
        self.case(member)
        self.publications(member)
        self.awards(member)
        self.rewrapped(member)
        self.together(member)

    def waiting(self, member: Member) -> None:
        """One that nobody has opened, an appeal, one with an open link that is planned for a release."""
        self.desk.receive(member)
        self.desk.in_state(ReportState.APPEALED, member)
        planned = self.desk.in_state(ReportState.CONFIRMED, member)
        chains.add_links(self.session, planned, [rules.LinkText("Into it")], by=self.cast.triager.id, at=NOON)
        releases.tie(self.session, planned, self.release, by=self.cast.triager.id, at=NOON)
        self.session.commit()

    def together(self, member: Member) -> None:
        """A link of one gives a capability of the list."""
        report, by = self.desk.in_state(ReportState.REPRODUCING, member), self.cast.triager.id
        chains.add_links(self.session, report, [rules.LinkText("Into it")], by=by, at=NOON)
        capabilities.give(self.session, report, numbered(self.session, report.id, 1), self.capability, by=by, at=NOON)
        self.session.commit()

    def messages(self, member: Member) -> None:
        """The team has written with a reason; the researcher has the last word."""
        report, by = self.desk.in_state(ReportState.NEEDS_INFO, member), self.cast.triager.id
        held = live(self.session, member.account_id)
        template = threads.template_of(self.session, report.challenge_id, "needs-better-proof")
        written(self.desk, report, Side.TEAM, key_ids(self.desk, held), by=by, template=template, at=LATER)
        report = self.desk.again(report)
        written(self.desk, report, Side.RESEARCHER, key_ids(self.desk), by=member.account_id, at=LATER)

    def adrift(self, member: Member) -> None:
        """A duplicate whose first was withdrawn."""
        first, second = self.desk.receive(member), self.desk.in_state(ReportState.REPRODUCING, member, at=LATER)
        self.desk.move(second, "duplicate", rules.Outcome(duplicate_of_id=first.id), at=LATER)
        withdraw(self.session, self.desk.again(first), by=member.account_id, at=LATER)
        self.session.commit()

    def advisory(self, member: Member) -> Advisory:
        """One that is published once the results are out, and has to be signed."""
        return self.press.publish([self.desk.in_state(ReportState.FIXED, member)])

    def ready(self, member: Member) -> Advisory:
        """One that somebody is to publish; its report's date waits for the team."""
        report = self.desk.in_state(ReportState.FIXED, member)
        self.press.propose(report)
        return self.press.move(self.press.draft([report]), "ready")

    def case(self, member: Member) -> UpstreamCase:
        """One whose party is silent, and whose embargo ends soon."""
        by, report = self.cast.triager.id, self.desk.in_state(ReportState.CONFIRMED, member)
        party = upstream.add_party(self.session, f"Party {report.ref}", "security@party.example", "", by=by, at=NOON)
        found = upstream.open_case(self.session, self.cast.challenge, party, "A case", by=by, at=NOON)
        upstream.add_subject(self.session, found, report, None, by=by, at=NOON)
        upstream.say_passing_on(self.session, report, allowed=True, credit="", by=member.account_id, at=NOON)
        upstream.step(self.session, found, move_named(states.UPSTREAM_MOVES, "report"), by=by, at=NOON)
        found = cases.case(self.session, self.cast.challenge.id, found.number)
        text = CaseText("A case", embargo_until=READ + timedelta(days=3), embargo_zone="UTC")
        upstream.write(self.session, found, text, by=by, at=NOON)
        self.session.commit()
        return cases.case(self.session, self.cast.challenge.id, found.number)

    def publications(self, member: Member) -> list[Publication]:
        """One that the participant has handed in, and one of the team."""
        report = self.desk.in_state(ReportState.FIXED, member)
        made = [
            publications.submit(
                self.session, self.cast.challenge,
                Link("A way in", f"https://blog.example/{report.ref}/{by}", PublicationKind.POST, NOON.date(),
                     (report.id,)),
                participant_id=participant, by=by, at=NOON,
            )
            for participant, by in ((member.participant_id, member.account_id), (None, self.cast.triager.id))
        ]  # fmt: skip
        self.session.commit()
        return made

    def awards(self, member: Member) -> None:
        """One to approve, one that stands and is due, one that stands for what is not confirmed any more."""
        for step in ("propose", "stand", "lose"):
            report = self.desk.in_state(ReportState.CONFIRMED, member)
            award = self.jury.propose(report, Quality.HIGH)
            if step != "propose":
                self.jury.decide(award, "approve", self.cast.second_triager.id)
            if step == "lose":
                self.desk.move(self.desk.again(report), "by-design", at=LATER)
            self.session.commit()

    def rewrapped(self, member: Member) -> None:
        """A file that was wrapped for the new key, which could not open it."""
        report, current = self.desk.receive(member), keys.current_set(self.session)
        assert current
        upload = self.session.scalars(
            sa.select(Upload).options(sa.orm.joinedload(Upload.report)).where(Upload.report_id == report.id)
        ).one()
        packet, by = recipient(current.members[1].key_ids[0], size=60), self.cast.triager.id
        made = rewraps.add_rewrap(
            self.session, upload, current, current.members[1].fingerprint, packet, by=by, at=LATER
        )
        rewraps.refute_rewrap(self.session, made, by=self.cast.second_triager.id, at=LATER)
        self.session.commit()
