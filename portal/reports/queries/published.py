"""Advisories as files, as everybody gets them at an instant: the bytes of each, and who has signed just these.

A file says what is true at its instant: who wants to be thanked, what else there is to read. Where that changes, the
bytes change, and a signature over the old ones counts no more.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.challenges.models import Challenge
from portal.challenges.rules import today_in
from portal.reports import certificates, csaf
from portal.reports.models import Advisory, AdvisorySignature
from portal.reports.queries import advised, advisories, keys, publications, upstream
from portal.reports.queries.advisories import Out
from portal.reports.rules.advisories import Text, file_name
from portal.reports.rules.upstream import is_public, name_of


@dataclass(frozen=True, slots=True)
class File:
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


def files(
    session: Session, publisher: csaf.Publisher, at: datetime, challenge_id: int | None = None,
    ident: str | None = None,
) -> list[File]:  # fmt: skip
    """What everybody gets at an instant, which may be still to come. The latest advisory comes first."""
    found = advisories.public(session, at, challenge_id=challenge_id, ident=ident)
    texts = {row.id: Text.read(versions[-1].version.content) for row, versions in found}
    thanks: dict[int, list[csaf.Credited]] = {}
    for each in publications.thanked(session, {number for text in texts.values() for number in text.report_ids}):
        thanks.setdefault(each.report_id, []).append(csaf.Credited(each.kind, each.name, each.url))
    links = {challenge: _links(session, challenge, at) for challenge in {row.challenge for row, _ in found}}
    shaped = {row.id: _shaped(row, versions, texts[row.id], thanks, links[row.challenge]) for row, versions in found}
    return _signed(session, publisher, shaped, at)


def _links(session: Session, challenge: Challenge, at: datetime) -> list[tuple[frozenset[int], csaf.Link]]:
    """What there is to read at an instant, with the reports that it is about: publications, cases at other parties."""
    listed = publications.public(session, challenge.id, today_in(challenge, at), at)
    cases = [each for each in upstream.cases(session, challenge.id) if is_public(each, at)]
    return [
        *((frozenset(one.id for one in each.reports), csaf.Link(each.title, each.url)) for each in listed),
        *((frozenset(one.report_id for one in each.subjects), csaf.Link(name_of(each), each.public_page))
          for each in sorted(cases, key=lambda each: each.number)),
    ]  # fmt: skip


def _shaped(
    row: Advisory, versions: Sequence[Out], text: Text, thanks: Mapping[int, Sequence[csaf.Credited]],
    links: Sequence[tuple[frozenset[int], csaf.Link]],
) -> csaf.Advisory:  # fmt: skip
    return csaf.Advisory(
        ident=row.ident,
        page=f"/challenges/{row.challenge.slug}/advisories/{row.ident}",
        text=text,
        versions=_history(versions),
        thanks=thanks,
        links=tuple(dict.fromkeys(link for about, link in links if text.report_ids & about)),
    )


def _history(versions: Sequence[Out]) -> tuple[csaf.Version, ...]:
    """A line for each number up to the present version's, also for one that has never come out (CSAF 2.0, 6.1.22)."""
    out = {each.version.number: each for each in versions}
    lines, since = [], versions[-1].since
    for number in range(versions[-1].version.number, 0, -1):
        each = out.get(number)
        since = each.since if each else since
        lines.append(csaf.Version(number, since, each.version.summary if each else "Not published."))
    return tuple(reversed(lines))


def _signed(
    session: Session, publisher: csaf.Publisher, shaped: Mapping[int, csaf.Advisory], at: datetime
) -> list[File]:
    given, counts = advised.signatures(session, shaped), _signers(session, at) if shaped else frozenset()
    made = []
    for number, advisory in shaped.items():
        data = csaf.dumped(csaf.document(advisory, publisher))
        over = given.get((number, hashlib.sha256(data).hexdigest()), ())
        signature = next((each for each in over if each.fingerprint in counts), None)
        made.append(File(number, advisory, at, data, signature))
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
