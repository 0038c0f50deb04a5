"""Reports over HTTP: the researcher's pages, tus uploads, the triagers' pages and JSON, the public keys.

What the sealing page, upload clients and portal-triage may rely on:

A draft is begun with POST …/reports/new as JSON (`title, kind, capability, scenario, severity, build`) and answered
with 201 `{"ref", "uploads_url", "submit_url", "url", "key_set"}`. Each file is a tus 1.0 upload: POST `uploads_url`
with Upload-Metadata `report` (the reference) and `kind` (body or attachment), then PATCH; refusals are plain text for
a person, 422 with `Upload-Refused: code` when the walker said no. POST `submit_url` hands the report in: 200
`{"url", "ref", "receipt_url"}`. The body's plaintext is a UTF-8 JSON document that the server never sees:
`{"format": "sealed-report/1", "title", "text" (Markdown), "build", "cvss", "key_set", "attachments": [{"name", "size"
(of the plaintext), "sha256" (hex, of the ciphertext)}]}`.

A sealed message about a report is begun with POST …/reports/<ref>/messages (both sides, each under its own address),
answered with 201 `{"number", "uploads_url", "submit_url"}`; its one file is a tus upload as above, created at
`uploads_url`; POST `submit_url` sends it, with `answers` (a researcher's answer to the team's question), or with
`template` and `move` (a triager's). Its plaintext is UTF-8 JSON: `{"format": "sealed-message/1", "report", "text"
(Markdown), "attachments": [{"name", "size", "sha256", "data" (base64)}]}`, or whatever was sealed by hand.

Triagers' programs read …/reports.json, …/reports/<ref>.json and …/files/<n> (0 is the body; single ranges, ETag,
digest), and POST …/acknowledge or …/move. `files` and `links` stand in both; a link is `{"number", "title", "kind",
"assumes", "gives", "state", "state_since", "severity", "achieved", "duplicate_of" ("R-0003", or "R-0003/1" for one link
of it), "known_issue" ("K-2"), "mitigating_layer", "fixed_release", "fixed_on"}`, in the order of the chain, and its
state is `open` until somebody has decided on it. …/known-issues.json lists what the team knew; a POST there of
`{"commitments": […]}` adds to it, and …/known-issues/<n>/reveal shows one. Programs authenticate with
`Authorization: Bearer` and a personal token.
"""

from flask import Blueprint, session
from flask.blueprints import BlueprintSetupState

from portal.reports.views.apart import keep_from_own
from portal.reports.views.incoming import let_go, take_file
from portal.reports.views.who import by_token

blueprint = Blueprint("reports", __name__)

# A browser never sends a bearer token by itself, so requests that carry one need no token against forgery here.
FOR_PROGRAMS = (
    "reports.new", "reports.create_upload", "reports.upload", "reports.submit", "reports.acknowledge", "reports.move",
    "reports.rewrap", "reports.refute_rewrap",
    "reports.begin_message", "reports.create_message_upload", "reports.send_message",
    "reports.read_messages", "reports.staff_begin_message", "reports.staff_create_message_upload",
    "reports.staff_upload", "reports.staff_send_message", "reports.staff_read_messages",
)  # fmt: skip
TAKES_FILES = (
    "reports.new", "reports.attach", "reports.upload", "reports.begin_message", "reports.staff_begin_message",
    "reports.staff_upload",
    "reports.commit_known", "reports.reveal_known",
)  # fmt: skip


@blueprint.record_once
def _exempt(state: BlueprintSetupState) -> None:
    for endpoint in FOR_PROGRAMS:
        state.app.extensions["csrf"].exempt(endpoint)


@blueprint.url_value_preprocessor
def _let_files_in(endpoint: str | None, _values: dict[str, object] | None) -> None:
    """Sealed files are larger than what other pages take. Only who is signed in, or has a token, may send them."""
    if endpoint in TAKES_FILES and ("_user_id" in session or (by_token() and endpoint in FOR_PROGRAMS)):
        take_file()


blueprint.before_request(keep_from_own)
blueprint.teardown_request(let_go)


from portal.reports.views import (  # noqa: E402
    advised,
    advisories,
    capabilities,
    certificates,
    chains,
    clocks,
    csaf,
    disclosing,
    keys,
    keysets,
    known,
    messages,
    own,
    publications,
    queue,
    releases,
    releasing,
    replies,
    researcher,
    rewraps,
    security,
    staff,
    staff_api,
    staff_chains,
    staff_messages,
    tokens,
    tus,
    uploads,
    upstream,
    verify,
)

__all__ = [
    "advised",
    "advisories",
    "blueprint",
    "capabilities",
    "certificates",
    "chains",
    "clocks",
    "csaf",
    "disclosing",
    "keys",
    "keysets",
    "known",
    "messages",
    "own",
    "publications",
    "queue",
    "releases",
    "releasing",
    "replies",
    "researcher",
    "rewraps",
    "security",
    "staff",
    "staff_api",
    "staff_chains",
    "staff_messages",
    "tokens",
    "tus",
    "uploads",
    "upstream",
    "verify",
]
