"""The application, put together. Read `create_app` as a table of contents."""

import os
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from flask import Flask, current_app, request
from flask_bootstrap import Bootstrap5
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from portal import cli, worker
from portal.accounts.gate import EVERYONE, audience_of, bears_token, declare, init_gate
from portal.accounts.security import init_security
from portal.challenges.access import init_access
from portal.config import LOOPBACK, Config, load_config
from portal.core.blobs import Blobs
from portal.core.db import db, prepare, set_reading
from portal.core.jobs import Job
from portal.core.logs import init_logs
from portal.core.web import health
from portal.core.web.compiled import init_compiled
from portal.core.web.filters import init_filters
from portal.core.web.headers import init_headers
from portal.core.web.limits import init_limits
from portal.core.web.pages import init_pages
from portal.core.web.patience import init_patience
from portal.core.web.routing import Rule
from portal.core.web.serving import Serving, init_serving, serving
from portal.home.context import init_context

# Every room, from the ground up. A room brings `models`, `personal`, `views.blueprint`, `commands.group`, `jobs.JOBS`
# where it has them.
ROOMS = (
    "accounts", "challenges", "applications", "selection", "kits", "reports", "line", "office_hours", "awards",
    "results", "home", "demo",
)  # fmt: skip

csrf = CSRFProtect()


def create_app(environ: Mapping[str, str] | None = None) -> Flask:
    """The portal as a WSGI application. Raises ConfigError with every fault of the settings."""
    config = load_config(os.environ if environ is None else environ)
    home = _home()
    app = Flask("portal", template_folder=str(home / "templates"), static_folder=str(home / "static"))
    app.url_rule_class = Rule
    app.extensions["portal.config"] = config
    _init_web(app, config)
    _init_database(app, config)
    init_gate(app)
    init_security(app, config)
    init_access(app)
    init_context(app, config)
    _add_rooms(app)
    init_limits(app, config)
    declare(app, EVERYONE, ["static", "bootstrap.static", "health.healthz", "health.readyz", "health.metrics"])
    app.cli.add_command(cli.config)
    for command in cli.COMMANDS:
        app.cli.add_command(command)
    if config.scheduler == "embedded" and os.environ.get("FLASK_RUN_FROM_CLI") != "true":  # a command only passes by
        app.extensions["portal.scheduler"] = worker.start(app)
    return app


def create_asgi(environ: Mapping[str, str] | None = None) -> Serving:
    """The portal as an ASGI application, of which `create_app` is the inside."""
    return serving(create_app(environ))


def _home() -> Path:
    """Where templates and static files lie: inside the package where it was installed, beside it in a checkout."""
    package = Path(__file__).parent
    home = package if (package / "templates").is_dir() else package.parent
    if not (home / "templates" / "base.html").is_file():
        raise RuntimeError(f"no templates in {home}: the package was built without them")
    return home


def _init_web(app: Flask, config: Config) -> None:
    app.config.update(
        SECRET_KEY=config.secret_key,
        TESTING=config.testing,
        # Loopback besides: health checks come from the machine itself.
        TRUSTED_HOSTS=[config.host, *LOOPBACK],
        MAX_CONTENT_LENGTH=1024 * 1024,
        MAX_FORM_MEMORY_SIZE=1024 * 1024,
        WTF_CSRF_TIME_LIMIT=12 * 3600,
        WTF_CSRF_CHECK_DEFAULT=False,  # done in `_protect`, which knows of bearer tokens and signatures
        TEMPLATES_AUTO_RELOAD=False,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    init_compiled(app, config)
    init_patience(app)
    if config.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, *[config.proxies] * 4)  # type: ignore[method-assign]
    init_serving(app, config)
    init_logs(app)
    init_headers(app, config)
    init_filters(app)
    init_pages(app)
    csrf.init_app(app)
    Bootstrap5(app)
    app.before_request(_protect)


def _protect() -> None:
    """CSRF for whatever changes something, unless it is signed: by a bearer token or over its whole body.

    No browser does either by itself.
    """
    audience = audience_of(current_app, request.endpoint) if request.endpoint else None
    signed = audience is not None and (audience.signed or (audience.tokens and bears_token()))
    if current_app.config["WTF_CSRF_ENABLED"] and not signed:
        csrf.protect()


def _init_database(app: Flask, config: Config) -> None:
    app.config["SQLALCHEMY_DATABASE_URI"] = config.database_url
    # What statements are about (addresses, tokens) belongs into no log. A server that is away is noticed soon, and no
    # connection grows so old that something on the way to the server forgets it. All statements of the portal stay
    # compiled; there are more than the 500 for which SQLAlchemy has room by itself.
    options: dict[str, object] = {"hide_parameters": True, "query_cache_size": 3000}
    if config.database_url.startswith("postgresql"):
        from portal.core.postgresql import Cursor  # with SQLite nothing needs the driver

        options |= {"pool_recycle": 180, "connect_args": {"connect_timeout": 10, "cursor_factory": Cursor}}
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options
    config.data.mkdir(parents=True, exist_ok=True)
    db.init_app(app)
    if os.environ.get("FLASK_RUN_FROM_CLI") == "true":
        init_migrations(app)
    with app.app_context():
        prepare(db.engine)
    app.extensions["portal.blobs"] = Blobs(config.storage_url)

    @app.before_request
    def note_reading() -> None:
        # Flask-Security's links confirm things by GET.
        reads = request.method in ("GET", "HEAD", "OPTIONS") and request.blueprint != "security"
        set_reading(reads or hasattr(app.view_functions.get(request.endpoint or ""), "reads_first"))


def init_migrations(app: Flask) -> None:
    """Teach the application `flask db`. Servers do without: loading Alembic takes longer than their first page."""
    from flask_migrate import Migrate

    Migrate(app, db, directory=str(Path(__file__).parent / "migrations"), render_as_batch=True)


def _add_rooms(app: Flask) -> None:
    app.register_blueprint(health.blueprint)
    jobs: list[Job] = []
    for room in ROOMS:
        for layer in ("models", "personal", "views", "commands", "jobs"):
            if find_spec(f"portal.{room}") is None or find_spec(f"portal.{room}.{layer}") is None:
                continue
            module = import_module(f"portal.{room}.{layer}")
            if layer == "views":
                app.register_blueprint(module.blueprint)
            elif layer == "commands":
                app.cli.add_command(module.group)
            elif layer == "jobs":
                jobs += module.JOBS
    app.extensions["portal.jobs"] = tuple(jobs)
