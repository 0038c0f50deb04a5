"""How often the same address may try: in memory for one process, in Redis for many."""

from typing import cast

from flask import Flask, current_app
from flask.typing import RouteCallable
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from portal.config import Config

limiter = Limiter(get_remote_address, strategy="moving-window")

# Endpoints of Flask-Security that guess, or that send mail to whoever is named.
LIMITS = {
    "security.login": "20 per minute; 200 per hour",
    "security.register": "10 per minute; 60 per hour",
    "security.forgot_password": "5 per minute; 30 per hour",
    "security.send_confirmation": "5 per minute; 30 per hour",
    "security.two_factor_token_validation": "10 per minute",
    "security.mf_recovery": "10 per minute",
}


def _switched_off() -> bool:
    return not current_app.config["RATELIMIT_ENABLED"]


def init_limits(app: Flask, config: Config) -> None:
    """Limit what can be guessed or abused. Only requests that try something count."""
    app.config["RATELIMIT_STORAGE_URI"] = config.redis_url or "memory://"
    app.config["RATELIMIT_ENABLED"] = not config.testing
    app.config["RATELIMIT_HEADERS_ENABLED"] = True
    limiter.init_app(app)
    # One limiter serves every application of the process, and remembers only the last one's switch.
    limiter.request_filter(_switched_off)
    for endpoint, allowed in LIMITS.items():
        limit = limiter.limit(allowed, methods=["POST"])
        app.view_functions[endpoint] = cast(RouteCallable, limit(app.view_functions[endpoint]))
