"""Loads the portal and the programs that run it, for the process that is forked wherever one of them is to run."""

import gc
import logging
import tempfile

import flask.cli
import flask_migrate
import granian.cli
import granian.server

from portal.factory import create_app

__all__ = ["flask", "flask_migrate", "granian"]

# Much is loaded by the first application only. How it logs is forgotten.
with tempfile.TemporaryDirectory(prefix="portal-loaded-") as folder:
    create_app({"PORTAL_DATA": folder, "PORTAL_SECRET_KEY": "only-for-tests-" * 4})
logging.getLogger().handlers.clear()
logging.getLogger().setLevel(logging.WARNING)
gc.collect()
gc.freeze()
