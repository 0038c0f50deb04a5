"""Advisories for everybody: pages, CSAF 2.0 documents, and what a provider of them has to offer."""

import hashlib
from datetime import UTC, datetime
from typing import cast

from flask import Response, current_app, make_response, render_template
from flask.typing import ResponseReturnValue

from portal.accounts.gate import everyone
from portal.challenges.access import challenge_or_404
from portal.challenges.rules import host_of
from portal.config import Config
from portal.core import clock
from portal.core.db import db
from portal.core.errors import NotFound
from portal.core.web import conditional
from portal.reports import csaf
from portal.reports.queries import keys as queries
from portal.reports.queries import published, publishers
from portal.reports.queries.published import File
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


def publisher() -> csaf.Publisher:
    """Who publishes, as the settings say."""
    return csaf.Publisher.of(_config())


def _public(at: datetime, challenge_id: int | None = None, ident: str | None = None) -> list[File]:
    return published.files(db.session, publisher(), at, challenge_id, ident)


def _one(at: datetime, challenge_id: int | None, ident: str) -> File:
    found = _public(at, challenge_id, ident)
    if not found:
        raise NotFound("advisory")
    return found[0]


def _json(data: bytes) -> Response:
    answer = make_response(data)
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
    rows = [each.advisory for each in _public(at, challenge.id)]
    return render_template("reports/advisories.html", challenge=challenge, rows=rows, score=rules.score)


@blueprint.get("/challenges/<slug>/advisories/<ident>")
@everyone
def advisory(slug: str, ident: str) -> ResponseReturnValue:
    """One of them."""
    challenge, at = challenge_or_404(slug), clock.now()
    found = _one(at, challenge.id, ident)
    return render_template(
        "reports/advisory.html", challenge=challenge, advisory=found.advisory, file=found, folder=csaf.FOLDER,
        score=rules.score, host=host_of, weaknesses=rules.WEAKNESSES,
    )  # fmt: skip


@blueprint.get("/challenges/<slug>/advisories/<ident>.json")
@everyone
def advisory_json(slug: str, ident: str) -> ResponseReturnValue:
    """The same as a CSAF document."""
    return _json(_one(clock.now(), challenge_or_404(slug).id, ident).data)


@blueprint.get("/.well-known/csaf/provider-metadata.json")
@everyone
def csaf_metadata() -> ResponseReturnValue:
    """What the provider says of itself."""
    at, rows = clock.now(), publishers.noted(db.session)
    found, who = _public(at), publishers.row_at(rows, at)
    signed = [each.signature for each in found if each.signature]
    updated = [each.advisory.changed_at for each in found] + [each.given_at for each in signed]
    updated += [who.at] if who and who.number > 1 else []
    keys = {each.fingerprint for each in signed}
    trusted = bool(found) and len(signed) == len(found)
    teller, last = publishers.publisher(who) or publisher(), max(updated, default=BEGINNING)
    told = csaf.metadata(teller, last, sorted(keys), trusted=trusted)
    return _json(csaf.dumped(told))


@blueprint.get("/.well-known/csaf/openpgp/<fingerprint>.asc")
@everyone
def csaf_key(fingerprint: str) -> ResponseReturnValue:
    """A key of the current set: those with which files are signed are among them."""
    current = queries.current_set(db.session)
    found = [each.certificate for each in current.members if each.fingerprint == fingerprint] if current else []
    if not found:
        raise NotFound("key")
    return Response(found[0], mimetype="application/pgp-keys")


@blueprint.get("/.well-known/csaf/white/")
@everyone
def csaf_folder() -> ResponseReturnValue:
    """The folder, for people and programs that look through it."""
    years = sorted({each.advisory.path.partition("/")[0] for each in _public(clock.now())})
    return render_template("reports/csaf_folder.html", names=["changes.csv", "index.txt", *(f"{y}/" for y in years)])


@blueprint.get("/.well-known/csaf/white/<int:year>/")
@everyone
def csaf_year(year: int) -> ResponseReturnValue:
    """The files of a year."""
    found = [each for each in _public(clock.now()) if each.advisory.path.startswith(f"{year}/")]
    if not found:
        raise NotFound("folder")
    names = [each.name + ending for each in sorted(found, key=lambda each: each.name) for ending in _endings(each)]
    return render_template("reports/csaf_folder.html", names=names)


def _endings(found: File) -> list[str]:
    """What lies beside a file, itself first."""
    return ["", *(f".{name}" for name in csaf.HASHES), *([".asc"] if found.signature else [])]


@blueprint.get("/.well-known/csaf/white/<any('index.txt', 'changes.csv'):name>")
@everyone
def csaf_list(name: str) -> ResponseReturnValue:
    """All files; or all files with their last changes."""
    rows = [each.advisory for each in _public(clock.now())]
    if name == "index.txt":
        return conditional(Response(csaf.index(rows), mimetype="text/plain"))
    return conditional(Response(csaf.changes(rows), mimetype="text/csv"))


@blueprint.get("/.well-known/csaf/white/<int:year>/<name>")
@everyone
def csaf_file(year: int, name: str) -> ResponseReturnValue:
    """One document, a hash of its bytes, or the signature over them."""
    plain, dot, ending = name.partition(".json.")
    wanted = f"{year}/{plain}.json" if dot else f"{year}/{name}"
    found = next((each for each in _public(clock.now()) if each.advisory.path == wanted), None)
    if found is not None and not dot:
        return _json(found.data)
    if found is not None and ending in csaf.HASHES:
        digest = hashlib.new(ending, found.data).hexdigest()
        return conditional(Response(f"{digest}  {found.name}\n", mimetype="text/plain"))
    if found is None or found.signature is None or ending != "asc":
        raise NotFound("file")
    return conditional(Response(found.signature.signature, mimetype="application/pgp-signature"))
