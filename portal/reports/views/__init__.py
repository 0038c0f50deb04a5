"""Reports over HTTP: the researcher's pages, tus uploads, the triagers' pages and JSON, the public keys.

What the sealing page, upload clients and portal-triage may rely on:

A draft is begun with POST …/reports/new as JSON (`title, kind, capability, scenario, severity, build`) and answered
with 201 `{"ref", "uploads_url", "submit_url", "url", "key_set"}`. Each file is a tus 1.0 upload: POST `uploads_url`
with Upload-Metadata `report` (the reference) and `kind` (body or attachment), then PATCH; refusals are plain text for
a person, 422 with `Upload-Refused: code` when the walker said no. POST `submit_url` hands the report in: 200
`{"url", "ref", "receipt_url"}`. The body's plaintext is a UTF-8 JSON document that the server never sees:
`{"format": "sealed-report/1", "title", "text" (Markdown), "build", "cvss", "key_set", "attachments": [{"name", "size"
(of the plaintext), "sha256" (hex, of the ciphertext)}]}`.

Triagers' programs read …/reports.json, …/reports/<ref>.json and …/files/<n> (0 is the body; single ranges, ETag,
digest), and POST …/acknowledge or …/move. …/known-issues.json lists what the team knew; a POST there of
`{"commitments": […]}` adds to it, and …/known-issues/<n>/reveal shows one. Programs authenticate with
`Authorization: Bearer` and a personal token.
"""

from flask import Blueprint, request, session
from flask.blueprints import BlueprintSetupState

from portal.reports.views.who import by_token, limits

blueprint = Blueprint("reports", __name__)

# A browser never sends a bearer token by itself, so requests that carry one need no token against forgery here.
FOR_PROGRAMS = (
    "reports.new", "reports.create_upload", "reports.upload", "reports.submit", "reports.acknowledge", "reports.move",
    "reports.commit_known", "reports.reveal_known",
)  # fmt: skip
TAKES_FILES = ("reports.new", "reports.attach", "reports.upload")
_FIELDS = 1024 * 1024


@blueprint.record_once
def _exempt(state: BlueprintSetupState) -> None:
    for endpoint in FOR_PROGRAMS:
        state.app.extensions["csrf"].exempt(endpoint)


@blueprint.url_value_preprocessor
def _let_files_in(endpoint: str | None, _values: dict[str, object] | None) -> None:
    """Sealed files are larger than what other pages take. Only who is signed in, or has a token, may send them."""
    if endpoint in TAKES_FILES and ("_user_id" in session or (by_token() and endpoint in FOR_PROGRAMS)):
        request.max_content_length = limits().file + _FIELDS


from portal.reports.views import (  # noqa: E402
    capabilities,
    chains,
    keys,
    known,
    researcher,
    staff,
    staff_api,
    staff_chains,
    tokens,
    uploads,
    upstream,
)

__all__ = [
    "blueprint", "capabilities", "chains", "keys", "known", "researcher", "staff", "staff_api", "staff_chains",
    "tokens", "uploads", "upstream",
]  # fmt: skip
