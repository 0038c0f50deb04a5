"""Advisories as CSAF 2.0 documents (OASIS, profile “Security Advisory”), and what a provider tells about them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple

from portal.config import Config
from portal.reports.rules.advisories import WEAKNESSES, Flaw, Product, Text, file_name, score_json
from portal.reports.states import Credit

ENGINE = {"name": "Research challenge portal", "version": "1"}
METADATA = "/.well-known/csaf/provider-metadata.json"
FOLDER = "/.well-known/csaf/white"
KEYS = "/.well-known/csaf/openpgp"
# The hashes that lie beside each file, by the names of their algorithms.
HASHES = ("sha256", "sha512")


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who publishes. `here` is the portal's public address, `namespace` the publisher's own."""

    name: str
    namespace: str
    contact: str
    here: str

    @classmethod
    def of(cls, config: Config) -> "Publisher":
        """As the settings say."""
        return cls(
            config.csaf_publisher, config.csaf_namespace or config.public_url, config.mail_from, config.public_url
        )

    def told(self) -> dict[str, str]:
        """As documents say it."""
        return {
            "category": "vendor", "name": self.name, "namespace": self.namespace,
            "contact_details": f"mailto:{self.contact}",
        }  # fmt: skip


class Version(NamedTuple):
    """One line of the history."""

    number: int
    at: datetime
    summary: str


# What is said of versions that nobody wrote. It names nobody: names may be taken back.
MOVED = "Who publishes it, how to reach them, or where it is found has changed."
PASSING = "Who is thanked, or what else there is to read, has changed."


def history(
    versions: Iterable[tuple[datetime, str]], changes: Iterable[datetime], moved: Iterable[datetime] = ()
) -> tuple[Version, ...]:
    """The lines of the history (CSAF 2.0, 3.2.1.12.6): written versions with their words, and all other changes.

    `versions` are in their order, `moved` are the changes of who publishes it. A change within the second of a version,
    or of another change, is no line of its own: documents tell times by the second.
    """
    lines = [(at.replace(microsecond=0), words) for at, words in versions]
    taken, of_publisher = {at for at, _ in lines}, {at.replace(microsecond=0) for at in moved}
    for second in sorted({at.replace(microsecond=0) for at in changes} - taken):
        if second > lines[0][0]:
            lines.append((second, MOVED if second in of_publisher else PASSING))
    # Sorting keeps versions of one second in their order.
    lines.sort(key=lambda line: line[0])
    return tuple(Version(number, at, words) for number, (at, words) in enumerate(lines, start=1))


class Credited(NamedTuple):
    """How one is thanked for a report."""

    kind: Credit
    name: str | None
    url: str | None


class Link(NamedTuple):
    """What else there is to read."""

    title: str
    url: str


class Advisory(NamedTuple):
    """What is public of an advisory just now. `page` is the path of its page; the last version is the present one."""

    ident: str
    page: str
    text: Text
    versions: tuple[Version, ...]
    thanks: Mapping[int, Sequence[Credited]]
    links: tuple[Link, ...] = ()

    @property
    def path(self) -> str:
        """Where its file lies below the folder: by the year of the first version."""
        return f"{self.versions[0].at.astimezone(UTC).year}/{file_name(self.ident)}"

    @property
    def changed_at(self) -> datetime:
        """When the present version came out."""
        return self.versions[-1].at


def instant(at: datetime) -> str:
    """An instant as CSAF writes it."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def dumped(document: Mapping[str, Any]) -> bytes:
    """The very bytes of a document: those over which its hash is."""
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()


def document(found: Advisory, publisher: Publisher) -> dict[str, Any]:
    """The CSAF document."""
    return {
        "document": {
            "category": "csaf_security_advisory",
            "csaf_version": "2.0",
            "distribution": {"tlp": {"label": "WHITE", "url": "https://www.first.org/tlp/"}},
            "lang": "en",
            "notes": [
                {"category": "summary", "title": "Summary", "text": found.text.summary},
                {"category": "description", "title": "Details", "text": found.text.details},
            ],
            "publisher": publisher.told(),
            "references": _references(found, publisher),
            "title": found.text.title,
            "tracking": _tracking(found),
        },
        "product_tree": _products(found.text),
        "vulnerabilities": [_vulnerability(flaw, found.thanks.get(flaw.report_id, ())) for flaw in found.text.flaws],
    }


def _references(found: Advisory, publisher: Publisher) -> list[dict[str, str]]:
    own = {"This advisory as CSAF": f"{FOLDER}/{found.path}", "This advisory as a page": found.page}
    return [
        *({"category": "self", "summary": title, "url": publisher.here + path} for title, path in own.items()),
        *({"category": "external", "summary": link.title, "url": link.url} for link in found.links),
    ]


def _tracking(found: Advisory) -> dict[str, Any]:
    return {
        "current_release_date": instant(found.changed_at),
        "generator": {"engine": ENGINE},
        "id": found.ident,
        "initial_release_date": instant(found.versions[0].at),
        "revision_history": [
            {"date": instant(each.at), "number": str(each.number), "summary": each.summary} for each in found.versions
        ],
        "status": "final",
        "version": str(found.versions[-1].number),
    }


def _id(product: Product) -> str:
    return f"BUILD-{product.id}"


def _products(text: Text) -> dict[str, Any]:
    named = {each.id: each for flaw in text.flaws for each in (*flaw.affected, *flaw.fixed)}
    builds = [
        {
            "category": "product_version",
            "name": each.name,
            "product": {"name": f"{text.vendor} {text.product} {each.name}", "product_id": _id(each)},
        }
        for each in sorted(named.values(), key=lambda product: product.name)
    ]
    product = {"category": "product_name", "name": text.product, "branches": builds}
    return {"branches": [{"category": "vendor", "name": text.vendor, "branches": [product]}]}


def _vulnerability(flaw: Flaw, thanks: Sequence[Credited]) -> dict[str, Any]:
    affected, fixed = [_id(each) for each in flaw.affected], [_id(each) for each in flaw.fixed]
    status = {"known_affected": affected, "fixed": fixed}
    made: dict[str, Any] = {
        "title": flaw.title,
        "notes": [{"category": "description", "title": "Description", "text": flaw.text}],
        "product_status": {name: products for name, products in status.items() if products},
        "remediations": [_remedy(flaw, affected)],
    }
    if flaw.cve:
        made["cve"] = flaw.cve
    if flaw.cwe:
        made["cwe"] = {"id": flaw.cwe, "name": WEAKNESSES[flaw.cwe]}
    if flaw.cvss:
        made["scores"] = [{"products": affected, "cvss_v3": score_json(flaw.cvss)}]
    if thanks:
        made["acknowledgments"] = [_thanks(each) for each in thanks]
    return made


def _remedy(flaw: Flaw, affected: list[str]) -> dict[str, Any]:
    if flaw.release is None or flaw.fixed_on is None:
        return {"category": "none_available", "details": "No fix is out yet.", "product_ids": affected}
    return {
        "category": "vendor_fix",
        "date": instant(midnight(flaw.fixed_on)),
        "details": f"Update to release {flaw.release} or a later one.",
        "product_ids": affected,
    }


def midnight(day: date) -> datetime:
    """The first instant of a day, in UTC."""
    return datetime.combine(day, time(), UTC)


def _thanks(credited: Credited) -> dict[str, Any]:
    link = {"urls": [credited.url]} if credited.url else {}
    if credited.kind is Credit.ANONYMOUS:
        return {"summary": "Reported by an anonymous researcher."}
    if credited.kind is Credit.TEAM:
        return {"organization": credited.name, **link}
    return {"names": [credited.name], **link}


def metadata(publisher: Publisher, updated: datetime, keys: Sequence[str], *, trusted: bool) -> dict[str, Any]:
    """What a provider says of itself (CSAF 2.0, section 7.1.7). `keys` are fingerprints of those that sign its files.

    The role is that of a provider: files by year, an index, a list of changes, hashes, an address that is well known.
    A trusted provider (7.2.3) has signatures beside all of its files as well; nobody is called so for a part of them.
    """
    return {
        "canonical_url": publisher.here + METADATA,
        "distributions": [{"directory_url": publisher.here + FOLDER + "/"}],
        "last_updated": instant(updated),
        "list_on_CSAF_aggregators": True,
        "mirror_on_CSAF_aggregators": True,
        "metadata_version": "2.0",
        "public_openpgp_keys": [
            {"fingerprint": each, "url": f"{publisher.here}{KEYS}/{each}.asc"} for each in sorted(keys)
        ],
        "publisher": publisher.told(),
        "role": "csaf_trusted_provider" if trusted else "csaf_provider",
    }


def index(rows: Sequence[Advisory]) -> str:
    """The list of all files, one a line."""
    return "".join(f"{each.path}\n" for each in sorted(rows, key=lambda each: each.path))


def changes(rows: Sequence[Advisory]) -> str:
    """The list of all files with the instants of their present versions, the latest first."""
    late = sorted(rows, key=lambda each: (each.changed_at, each.path), reverse=True)
    return "".join(f'"{each.path}","{instant(each.changed_at)}"\n' for each in late)
