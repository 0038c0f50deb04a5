"""What participants are given, ready to be looked at."""

import io
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.challenges import states
from portal.challenges.actions import files, news, resources
from portal.challenges.actions.news import Notice
from portal.challenges.actions.resources import Offer, Release
from portal.challenges.files import keep
from portal.challenges.models import Announcement, Build, Challenge, Resource
from portal.challenges.states import ResourceKind
from portal.core.blobs import blobs
from tests.cast import NOON, Cast


@dataclass
class Library:
    """Adds to the test challenge, as its lead; each method commits."""

    session: Session
    cast: Cast

    @property
    def challenge(self) -> Challenge:
        """Where it is added."""
        return self.cast.challenge

    def build(
        self, name: str = "20.07", released_on: date = date(2020, 7, 6), challenge: Challenge | None = None
    ) -> Build:
        """A build that is given out."""
        made = resources.add_build(
            self.session, challenge or self.challenge, Release(name, released_on, f"What changed in **{name}**."),
            by=self.cast.lead.id, at=NOON,
        )  # fmt: skip
        self.session.commit()
        return made

    def add(
        self, kind: ResourceKind, offer: Offer, *, publish: bool = True, challenge: Challenge | None = None
    ) -> Resource:
        """A resource, published unless told otherwise."""
        place = challenge or self.challenge
        made = resources.add_resource(self.session, place, kind, offer, by=self.cast.lead.id, at=NOON)
        if publish:
            resources.move_resource(self.session, place, made, states.PUBLISH, by=self.cast.lead.id, at=NOON)
        self.session.commit()
        return made

    def document(self, title: str = "Threat model", **offer: object) -> Resource:
        """A published document."""
        return self.add(ResourceKind.DOCUMENT, Offer(title, body="Read *this* first.", **offer))  # type: ignore[arg-type]

    def link(self, url: str = "https://git.example.org/linux", *, publish: bool = True) -> Resource:
        """A published link."""
        return self.add(ResourceKind.LINK, Offer("Kernel source", url=url), publish=publish)

    def download(
        self, content: bytes, name: str = "sdk.txt", *, publish: bool = True, build: Build | None = None,
        challenge: Challenge | None = None,
    ) -> Resource:  # fmt: skip
        """A published download with its file."""
        place = challenge or self.challenge
        offer = Offer("SDK", build_id=build.id if build else None)
        made = self.add(ResourceKind.DOWNLOAD, offer, publish=False, challenge=place)
        self.send(made, content, name)
        if publish:
            resources.move_resource(self.session, place, made, states.PUBLISH, by=self.cast.lead.id, at=NOON)
        self.session.commit()
        return made

    def send(self, resource: Resource, content: bytes, name: str = "sdk.txt", at: datetime = NOON) -> None:
        """The file of a download."""
        place = self.session.get_one(Challenge, resource.challenge_id)
        file = files.begin_file(self.session, place, name, by=self.cast.lead.id, at=at)
        self.session.commit()
        kept = keep(blobs(), file.folder, io.BytesIO(content))
        files.complete_file(self.session, place, resource, file, kept, by=self.cast.lead.id, at=at)
        self.session.commit()

    def announce(
        self, title: str = "Build 20.07 is out", *, at: datetime = NOON, later: timedelta | None = None,
        build: Build | None = None, challenge: Challenge | None = None,
    ) -> Announcement:  # fmt: skip
        """An announcement by the host, now or later."""
        notice = Notice(title, "Please *read* it.", build.id if build else None, at + later if later else None)
        made = news.announce(self.session, challenge or self.challenge, notice, by=self.cast.host.id, at=at)
        self.session.commit()
        return made

    def read(self, announcement: Announcement, account: Account, at: datetime = NOON) -> None:
        """Somebody has read an announcement."""
        news.mark_read(self.session, [announcement.id], account.id, at=at)
        self.session.commit()


@pytest.fixture
def library(session: Session, cast: Cast) -> Library:
    """What the test challenge gives out: nothing yet."""
    return Library(session, cast)
