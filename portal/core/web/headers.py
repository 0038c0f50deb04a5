"""The headers of every answer. Nothing from elsewhere is loaded, nothing inline runs."""

from flask import Flask, Response, g, request

from portal.config import Config

POLICY = {
    "default-src": "'none'",
    "base-uri": "'none'",
    "connect-src": "'self'",
    "font-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "img-src": "'self'",
    "manifest-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self'",
    "worker-src": "'self'",
}


def trusted_types(policy: str) -> None:
    """Let the page being answered make script addresses through the Trusted Types policy of this name alone."""
    g.content_security = {"require-trusted-types-for": "'script'", "trusted-types": policy}


def init_headers(app: Flask, config: Config) -> None:
    """Set the strict headers on every answer."""

    @app.after_request
    def headers(response: Response) -> Response:
        directives = POLICY | g.get("content_security", {})
        told = response.headers
        told["Content-Security-Policy"] = "; ".join(f"{name} {value}" for name, value in directives.items())
        told["X-Content-Type-Options"] = "nosniff"
        told["X-Frame-Options"] = "DENY"
        told["Referrer-Policy"] = (
            "no-referrer" if request.path.startswith(("/account/", "/calendars/")) else "same-origin"
        )
        told["Cross-Origin-Opener-Policy"] = "same-origin"
        told["Cross-Origin-Resource-Policy"] = "same-origin"
        told["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
        if config.secure:
            told["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
        if "Cache-Control" not in told and not request.path.startswith(("/static/", "/bootstrap/")):
            told["Cache-Control"] = "no-store" if g.get("_login_user") is not None else "no-cache"
        return response
