"""Logs as JSON lines with a request id, and without secrets: no bodies, no query strings, no tokens in paths."""

import logging
import re
import sys
import time
import uuid
from functools import partial
from typing import Any

import structlog
from flask import Flask, Response, g, request
from structlog.typing import EventDict, Processor, WrappedLogger

log = structlog.get_logger("portal")
# Paths that carry a secret: calendar feeds, confirmation and reset links, invitations.
_SECRET_PATH = re.compile(r"^(/(?:calendars|account/(?:confirm|reset|address-confirm)|join)/)[^/]+")


def safe_path(path: str) -> str:
    """A path without the token in it."""
    return _SECRET_PATH.sub(r"\1…", path)


def _keep_level(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    event.pop("color_message", None)
    return event


def init_logs(app: Flask) -> None:
    """Write one line for each request, and everything else that is logged, in the same form."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper("iso"),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(sys.stderr)
    renderers: list[Processor] = [
        _keep_level,
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
    ]
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=renderers))
    root = logging.getLogger()
    if not any(isinstance(old.formatter, structlog.stdlib.ProcessorFormatter) for old in root.handlers):
        root.handlers[:] = [*root.handlers, handler]
        root.setLevel(logging.INFO)
        for chatty in ("alembic", "apscheduler"):
            logging.getLogger(chatty).setLevel(logging.WARNING)
    app.log_exception = partial(_log_exception, app)  # type: ignore[method-assign]
    app.before_request(_begin)
    app.after_request(_end)


def _log_exception(app: Flask, told: Any) -> None:
    """What went wrong for whom, as Flask has it, but without the token in the path."""
    app.logger.error("Exception on %s [%s]", safe_path(request.path), request.method, exc_info=told)


def _begin() -> None:
    g.begun = time.monotonic()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=uuid.uuid4().hex[:16])


def _end(response: Response) -> Response:
    if request.path in ("/healthz", "/readyz", "/metrics") or request.path.startswith(("/static/", "/bootstrap/")):
        return response
    took = round((time.monotonic() - g.get("begun", time.monotonic())) * 1000, 1)
    log.info("request", method=request.method, path=safe_path(request.path), status=response.status_code, ms=took)
    response.headers["X-Request-ID"] = structlog.contextvars.get_contextvars().get("request_id", "")
    return response
