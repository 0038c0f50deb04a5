"""For load balancers and monitors: is the process up, can it work, how is it doing."""

import hmac
import uuid

import sqlalchemy as sa
from flask import Blueprint, Response, abort, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST, Counter, generate_latest

from portal.core.blobs import blobs
from portal.core.db import db
from portal.core.mail import config_of
from portal.core.outbox import MailState, OutgoingMail

blueprint = Blueprint("health", __name__)
REQUESTS = Counter("portal_requests_total", "Requests by endpoint and status", ["endpoint", "status"])


@blueprint.after_app_request
def count(response: Response) -> Response:
    """Count every answered request."""
    REQUESTS.labels(request.endpoint or "none", response.status_code).inc()
    return response


@blueprint.get("/healthz")
def healthz() -> ResponseReturnValue:
    """The process answers."""
    return {"status": "ok"}


@blueprint.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Database and storage answer too; 503 where one does not."""
    checks = {"database": _database(), "storage": _storage()}
    return jsonify(checks), 200 if all(state == "ok" for state in checks.values()) else 503


@blueprint.get("/metrics")
def metrics() -> ResponseReturnValue:
    """Prometheus text, for loopback or a bearer of the token."""
    token = config_of(current_app).metrics_token
    told = request.authorization.token if request.authorization else None
    if not (hmac.compare_digest(told or "", token) if token else request.remote_addr in ("127.0.0.1", "::1")):
        abort(404)
    waiting = sa.select(sa.func.count()).where(OutgoingMail.state == MailState.QUEUED)
    text = generate_latest().decode()
    text += f"# TYPE portal_outbox_waiting gauge\nportal_outbox_waiting {db.session.scalars(waiting).one()}\n"
    return Response(text, content_type=CONTENT_TYPE_LATEST)


def _database() -> str:
    try:
        db.session.execute(sa.text("SELECT 1"))
    except Exception as problem:
        return type(problem).__name__
    return "ok"


def _storage() -> str:
    try:
        blobs().exists(f"health/{uuid.uuid4().hex}")
    except Exception as problem:
        return type(problem).__name__
    return "ok"
