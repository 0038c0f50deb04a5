"""Advisories for everybody: pages, CSAF 2.0 documents, and what a provider of them has to offer."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import cast

from flask import Response, current_app, make_response, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.gate import everyone
from portal.challenges.access import challenge_or_404
from portal.challenges.rules import host_of, today_in
from portal.config import Config
from portal.core import clock
from portal.core.db import db
from portal.core.errors import NotFound
from portal.core.web import conditional
from portal.reports import csaf
from portal.reports.models import Advisory, AdvisoryRevision, Publication
from portal.reports.queries import advisories as queries
from portal.reports.queries import publications
from portal.reports.rules import advisories as rules
from portal.reports.rules.disclosing import results_out
from portal.reports.views import blueprint

# Since when this portal says what it says of itself, where no advisory is out yet.
BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)


def _config() -> Config:
    return cast(Config, current_app.extensions["portal.config"])


def publisher_prefix() -> str:
    """What advisories' ids begin with."""
    return _config().csaf_prefix


def _publisher() -> csaf.Publisher:
    return csaf.Publisher.of(_config())


def _public(at: datetime, challenge_id: int | None = None, ident: str | None = None) -> list[csaf.Advisory]:
    found = queries.public(db.session, at, challenge_id=challenge_id, ident=ident)
    texts = {row.id: rules.Text.read(versions[-1].content) for row, versions in found}
    thanks: dict[int, list[csaf.Credited]] = {}
    for each in publications.thanked(db.session, {number for text in texts.values() for number in text.report_ids}):
        thanks.setdefault(each.report_id, []).append(csaf.Credited(each.kind, each.name, each.url))
    listed = {
        challenge: publications.public(db.session, challenge.id, today_in(challenge, at), at)
        for challenge in {row.challenge for row, _ in found}
    }
    return [_shaped(row, versions, texts[row.id], thanks, listed[row.challenge]) for row, versions in found]


def _shaped(
    row: Advisory, versions: Sequence[AdvisoryRevision], text: rules.Text,
    thanks: Mapping[int, Sequence[csaf.Credited]], listed: Sequence[Publication],
) -> csaf.Advisory:  # fmt: skip
    links = [csaf.Link(each.title, each.url) for each in listed if text.report_ids & {one.id for one in each.reports}]
    return csaf.Advisory(
        ident=row.ident,
        page=url_for("reports.advisory", slug=row.challenge.slug, ident=row.ident),
        text=text,
        versions=tuple(csaf.Version(each.number, each.at, each.summary) for each in versions),
        thanks=thanks,
        links=tuple(links),
    )


def _one(at: datetime, challenge_id: int | None, ident: str) -> csaf.Advisory:
    found = _public(at, challenge_id, ident)
    if not found:
        raise NotFound("advisory")
    return found[0]


def _json(found: csaf.Advisory) -> Response:
    answer = make_response(csaf.dumped(csaf.document(found, _publisher())))
    answer.mimetype = "application/json"
    # Anybody's page may read it (CSAF 2.0, section 7.1, leaves that to us); it holds nothing but what is public.
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return conditional(answer)


@blueprint.get("/challenges/<slug>/advisories/")
@everyone
def public_advisories(slug: str) -> ResponseReturnValue:
    """The advisories of a challenge, once its results are out."""
    challenge, at = challenge_or_404(slug), clock.now()
    if not results_out(challenge, at):
        return render_template("reports/not_out.html", challenge=challenge, what="Advisories"), 404
    rows = _public(at, challenge.id)
    return render_template("reports/advisories.html", challenge=challenge, rows=rows, score=rules.score)


@blueprint.get("/challenges/<slug>/advisories/<ident>")
@everyone
def advisory(slug: str, ident: str) -> ResponseReturnValue:
    """One of them."""
    challenge, at = challenge_or_404(slug), clock.now()
    found = _one(at, challenge.id, ident)
    return render_template(
        "reports/advisory.html", challenge=challenge, advisory=found, score=rules.score, host=host_of,
        weaknesses=rules.WEAKNESSES,
    )  # fmt: skip


@blueprint.get("/challenges/<slug>/advisories/<ident>.json")
@everyone
def advisory_json(slug: str, ident: str) -> ResponseReturnValue:
    """The same as a CSAF document."""
    return _json(_one(clock.now(), challenge_or_404(slug).id, ident))


@blueprint.get("/.well-known/csaf/provider-metadata.json")
@everyone
def csaf_metadata() -> ResponseReturnValue:
    """What the provider says of itself."""
    rows = _public(clock.now())
    updated = max((each.changed_at for each in rows), default=BEGINNING)
    answer = make_response(csaf.dumped(csaf.metadata(_publisher(), updated)))
    answer.mimetype = "application/json"
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return conditional(answer)


@blueprint.get("/.well-known/csaf/white/")
@everyone
def csaf_folder() -> ResponseReturnValue:
    """The folder, for people and programs that look through it."""
    years = sorted({each.path.partition("/")[0] for each in _public(clock.now())})
    return render_template("reports/csaf_folder.html", names=["changes.csv", "index.txt", *(f"{y}/" for y in years)])


@blueprint.get("/.well-known/csaf/white/<int:year>/")
@everyone
def csaf_year(year: int) -> ResponseReturnValue:
    """The files of a year."""
    names = [each.path.partition("/")[2] for each in _public(clock.now()) if each.path.startswith(f"{year}/")]
    if not names:
        raise NotFound("folder")
    both = [name + ending for name in sorted(names) for ending in ("", ".sha256")]
    return render_template("reports/csaf_folder.html", names=both)


@blueprint.get("/.well-known/csaf/white/<any('index.txt', 'changes.csv'):name>")
@everyone
def csaf_list(name: str) -> ResponseReturnValue:
    """All files; or all files with their last changes."""
    rows = _public(clock.now())
    if name == "index.txt":
        return conditional(Response(csaf.index(rows), mimetype="text/plain"))
    return conditional(Response(csaf.changes(rows), mimetype="text/csv"))


@blueprint.get("/.well-known/csaf/white/<int:year>/<name>")
@everyone
def csaf_file(year: int, name: str) -> ResponseReturnValue:
    """One document, or the hash of its bytes."""
    wanted = f"{year}/{name.removesuffix('.sha256')}"
    found = next((each for each in _public(clock.now()) if each.path == wanted), None)
    if found is None:
        raise NotFound("file")
    if not name.endswith(".sha256"):
        return _json(found)
    digest = hashlib.sha256(csaf.dumped(csaf.document(found, _publisher()))).hexdigest()
    return conditional(Response(f"{digest}  {name.removesuffix('.sha256')}\n", mimetype="text/plain"))
