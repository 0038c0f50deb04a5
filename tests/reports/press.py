"""A press desk: dates that are agreed, advisories that are published, the way that people would."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from portal.challenges.actions.resources import Release, add_build
from portal.core.moves import move_named
from portal.reports import states
from portal.reports.actions import advisories, disclosing
from portal.reports.actions.advisories import Particulars, Words
from portal.reports.actions.disclosing import Date
from portal.reports.models import Advisory, DisclosureProposal, Report
from portal.reports.queries import advisories as queries
from portal.reports.queries import reports
from portal.reports.states import Side
from tests.cast import NOON, Cast

# After the fix of the desk's reports, 21 July 2020.
HOUR = datetime(2020, 7, 30, 16, tzinfo=NOON.tzinfo)
WORDS = Words("Applications gain rights", "Fixed.", "## Details\n\nUpdate.", "Demo Systems", "Device OS")
VECTOR = "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H"


@dataclass
class Press:
    """Speaks for both sides."""

    session: Session
    cast: Cast
    builds: dict[str, int] = field(default_factory=dict)

    def by(self, side: Side) -> int:
        """Who speaks for a side."""
        return self.cast.researcher.id if side is Side.RESEARCHER else self.cast.triager.id

    def propose(
        self, report: Report, instant: datetime = HOUR, side: Side = Side.RESEARCHER, *, at: datetime = NOON,
        **more: bool,
    ) -> DisclosureProposal:  # fmt: skip
        """A date."""
        date_ = Date(instant, "Europe/Berlin", "As agreed on the phone.", **more)
        made = disclosing.propose(self.session, report, date_, side, by=self.by(side), at=at)
        self.session.commit()
        return made

    def accept(self, report: Report, proposal: DisclosureProposal, *, at: datetime = NOON, **more: bool) -> None:
        """The other side's yes."""
        side = proposal.side.other
        given = {"without_fix": False, **more}
        report = reports.draft(self.session, report.id)
        disclosing.accept(self.session, report, proposal, side, **given, by=self.by(side), at=at)
        self.session.commit()

    def agree(self, report: Report, instant: datetime = HOUR, *, at: datetime = NOON, **more: bool) -> None:
        """Asked, and said yes to."""
        report = reports.draft(self.session, report.id)
        self.accept(report, self.propose(report, instant, at=at, **more), at=at, **more)

    def build(self, name: str) -> int:
        """The number of a build's row."""
        if name not in self.builds:
            release = Release(name, date(2020, 7, 1))
            made = add_build(self.session, self.cast.challenge, release, by=self.cast.lead.id, at=NOON)
            self.builds[name] = made.id
        return self.builds[name]

    def draft(self, covered: Sequence[Report], *, words: Words = WORDS, cves: bool = True) -> Advisory:
        """An advisory by the first triager."""
        by, challenge = self.cast.triager.id, self.cast.challenge
        made = advisories.begin(self.session, challenge, words, "PORTAL", by=by, at=NOON)
        made = self.whole(made)
        for number, report in enumerate(covered):
            given = Particulars(
                f"Flaw {number}", "What it is.", f"CVE-2020-{10_000 * made.id + number}" if cves else None,
                "CWE-787" if cves else None, VECTOR if cves else None, (self.build("20.06"),), (self.build("20.07"),),
            )  # fmt: skip
            advisories.cover(self.session, challenge, made, report.id, given, by=by, at=NOON)
            made = self.whole(made)
        self.session.commit()
        return self.whole(made)

    def whole(self, found: Advisory) -> Advisory:
        """As it is now."""
        return queries.one(self.session, self.cast.challenge.id, found.id)

    def move(self, found: Advisory, name: str, *, by: int | None = None, at: datetime = NOON) -> Advisory:
        """One step, by the first triager, or, for publishing, by the second."""
        step = move_named(states.ADVISORY_MOVES, name)
        who = by or (self.cast.second_triager.id if name == "publish" else self.cast.triager.id)
        advisories.move(self.session, self.cast.challenge, self.whole(found), step, by=who, at=at)
        self.session.commit()
        return self.whole(found)

    def publish(self, covered: Sequence[Report], *, at: datetime = HOUR + timedelta(days=1), **more: bool) -> Advisory:
        """Agreed, written, published."""
        for report in covered:
            self.agree(report)
        return self.move(self.move(self.draft(covered, **more), "ready"), "publish", at=at)

    def release(self, at: datetime) -> None:
        """The results come out."""
        self.cast.challenge.results_released_at = at
        self.session.commit()
