"""The emptiest Flask application, for what a server and a framework cost by themselves."""

from flask import Flask

app = Flask("empty")


@app.get("/healthz")
def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}
