"""Advisories as files, as everybody gets them at an instant: the bytes of each, and who has signed just these.

A file says what is true at its instant: who wants to be thanked, what else there is to read, who publishes it. Where
that changes, the bytes change under a new number, and a signature over the old ones counts no more. What changes at an
hour that rows tell needs no row of its own; before such rows are changed, `actions.editions` notes what they brought.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from portal.challenges.models import Challenge
from portal.reports import certificates, csaf
from portal.reports.models import Advisory, AdvisoryPublisher, AdvisorySignature
from portal.reports.queries import advised, advisories, keys, publications, publishers, upstream
from portal.reports.queries.advisories import Out
from portal.reports.rules.advisories import Text, file_name
from portal.reports.rules.upstream import name_of, public_from


class File(NamedTuple):
    """An advisory's file as it is from `since` on: of its bytes, those of the page, and the signature that counts."""

    advisory_id: int
    advisory: csaf.Advisory
    since: datetime
    data: bytes
    signature: AdvisorySignature | None

    @property
    def name(self) -> str:
        """As it is called in its folder."""
        return file_name(self.advisory.ident)

    @property
    def sha256(self) -> str:
        """The hash of its bytes."""
        return hashlib.sha256(self.data).hexdigest()


class Standing(NamedTuple):
    """An advisory as it stands at an instant.

    `hours` are those at which its file changed since the last change that is noted: a link came out, a participation
    ended. They follow from rows; nobody has to do anything at them. `noted` is that last change, `publisher` who
    publishes it, if that is noted.
    """

    row: Advisory
    advisory: csaf.Advisory
    hours: tuple[datetime, ...]
    noted: datetime | None
    publisher: csaf.Publisher | None


def files(
    session: Session, publisher: csaf.Publisher, at: datetime, challenge_id: int | None = None,
    ident: str | None = None,
) -> list[File]:  # fmt: skip
    """What everybody gets at an instant, which may be still to come. The latest advisory comes first.

    `publisher` is who publishes as long as nobody is noted.
    """
    return _signed(session, publisher, standing(session, at, challenge_id, ident), at)


def standing(
    session: Session, at: datetime, challenge_id: int | None = None, ident: str | None = None
) -> list[Standing]:
    """How the advisories that are out stand at an instant. The latest comes first."""
    found = advisories.public(session, at, challenge_id=challenge_id, ident=ident)
    texts = {each.version.id: Text.read(each.version.content) for _, versions in found for each in versions}
    around = _around(session, found, {number for text in texts.values() for number in text.report_ids})
    return [_standing(row, versions, texts, around, at) for row, versions in found]


class _Shown(NamedTuple):
    """A link, the reports that it is about, and from when on everybody sees it."""

    about: frozenset[int]
    link: csaf.Link
    since: datetime


class _Around(NamedTuple):
    """What advisories say besides their texts: thanks by report, links by challenge; and what changed by itself."""

    thanks: Mapping[int, Sequence[csaf.Credited]]
    links: Mapping[int, Sequence[_Shown]]
    ended: Sequence[tuple[frozenset[int], datetime]]
    changes: Mapping[int, Sequence[datetime]]
    publishers: Sequence[AdvisoryPublisher]


def _around(session: Session, found: Sequence[tuple[Advisory, Sequence[Out]]], covered: Collection[int]) -> _Around:
    thanks: dict[int, list[csaf.Credited]] = {}
    for each in publications.thanked(session, covered):
        thanks.setdefault(each.report_id, []).append(csaf.Credited(each.kind, each.name, each.url))
    return _Around(
        thanks=thanks,
        links={each.id: _links(session, each) for each in {row.challenge for row, _ in found}},
        ended=[(frozenset({number}), since) for number, since in publications.ended(session, covered)],
        changes=advisories.changes(session, [row.id for row, _ in found]),
        publishers=publishers.noted(session),
    )


def _links(session: Session, challenge: Challenge) -> list[_Shown]:
    """What there is to read, some day: publications, cases at other parties."""
    cases = sorted(upstream.cases(session, challenge.id), key=lambda each: each.number)
    return [
        *(_Shown(frozenset(one.id for one in each.reports), csaf.Link(each.title, each.url), since)
          for each, since in publications.listed(session, challenge)),
        *(_Shown(frozenset(one.report_id for one in each.subjects), csaf.Link(name_of(each), each.public_page), since)
          for each in cases if (since := public_from(each))),
    ]  # fmt: skip


def _standing(
    row: Advisory, versions: Sequence[Out], texts: Mapping[int, Text], around: _Around, at: datetime
) -> Standing:
    noted = [each for each in around.changes.get(row.id, ()) if each <= at]
    last, text, shown = max(noted, default=None), texts[versions[-1].version.id], around.links[row.challenge_id]
    passing = [*around.ended, *((each.about, each.since) for each in shown)]
    spans = [(each.since, texts[each.version.id].report_ids) for each in versions]
    hours = tuple(since for since in _hours(spans, passing, at) if last is None or since > last)
    advisory = csaf.Advisory(
        ident=row.ident,
        page=f"/challenges/{row.challenge.slug}/advisories/{row.ident}",
        text=text,
        versions=csaf.history(_versions(versions), [*noted, *hours], publishers.moved(around.publishers)),
        thanks={number: around.thanks[number] for number in text.report_ids & around.thanks.keys()},
        links=tuple(dict.fromkeys(link for about, link, since in shown if since <= at and about & text.report_ids)),
    )
    return Standing(row, advisory, hours, last, publishers.publisher(publishers.row_at(around.publishers, at)))


def _hours(
    spans: Sequence[tuple[datetime, frozenset[int]]], passing: Iterable[tuple[frozenset[int], datetime]], at: datetime
) -> list[datetime]:
    """When something that passes by itself touched the reports that the version of its hour covered."""
    found = set()
    for about, since in passing:
        then = next((covered for begun, covered in reversed(spans) if begun <= since), frozenset())
        if since <= at and about & then:
            found.add(since)
    return sorted(found)


def _versions(versions: Sequence[Out]) -> list[tuple[datetime, str]]:
    """A line for each number up to the present version's, also for one that has never come out."""
    out = {each.version.number: each for each in versions}
    lines, since = [], versions[-1].since
    for number in range(versions[-1].version.number, 0, -1):
        each = out.get(number)
        since = each.since if each else since
        lines.append((since, each.version.summary if each else "Not published."))
    return lines[::-1]


def _signed(session: Session, publisher: csaf.Publisher, found: Sequence[Standing], at: datetime) -> list[File]:
    given = advised.signatures(session, [each.row.id for each in found])
    counts = _signers(session, at) if found else frozenset()
    made = []
    for each in found:
        data = csaf.dumped(csaf.document(each.advisory, each.publisher or publisher))
        over = given.get((each.row.id, hashlib.sha256(data).hexdigest()), ())
        signature = next((one for one in over if one.fingerprint in counts), None)
        made.append(File(each.row.id, each.advisory, at, data, signature))
    return made


def _signers(session: Session, at: datetime) -> frozenset[str]:
    """Whose signatures count: the keys of the current set that have not expired. One that left it does not."""
    current = keys.current_set(session)
    found = [(each.fingerprint, certificates.outline(each.certificate)) for each in current.members] if current else []
    return frozenset(name for name, outline in found if outline.expires_at is None or outline.expires_at > at)


def to_sign(session: Session, publisher: csaf.Publisher, challenge: Challenge, at: datetime) -> list[File]:
    """The files of a challenge that are to be signed: those that are out, and those whose hour is known.

    They can be signed ahead: the signature then comes out at the same second as its file.
    """
    hours = advisories.hours(session, challenge)
    found = files(session, publisher, at, challenge.id)
    for hour in sorted({each for each in hours.values() if each > at}):
        found += [each for each in files(session, publisher, hour, challenge.id) if hours.get(each.advisory_id) == hour]
    return found
