"""The portal and its bare counterpart, served side by side on the same database."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import Account
from portal.challenges.models import Challenge
from portal.core import clock
from tests.bench.asking import Question, per_second
from tests.cast import make_account
from tests.faults.stage import Stage, staged
from tests.servers import Site, web

KINDS = ("sqlite", "postgresql")
SETTINGS = {"PORTAL_DEMONSTRATION": "1"}  # so that the staff needs no second factor


@dataclass
class Pair:
    """Both servers."""

    stage: Stage
    bare: Site

    def cookie(self, account: Account) -> str:
        """What a browser in which somebody is signed in sends."""
        return as_header(self.stage.behind.cookies(account))


def as_header(cookies: dict[str, str]) -> str:
    """Cookies as a browser sends them."""
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


@contextmanager
def pair(kind: str) -> Iterator[Pair]:
    """Both, on an empty database of a kind, in a challenge that takes applications now."""
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as name, staged(kind, Path(name), SETTINGS) as stage:
        with stage.behind.session() as session:
            until = sa.update(Challenge).values(apply_until=clock.now() + timedelta(days=7))
            session.execute(until)
            session.commit()
        url = stage.behind.environ["PORTAL_DATABASE_URL"]
        with web({"BARE_DATABASE_URL": url}, app="tests.bench.bare:app", migrate=False, interface="wsgi") as bare:
            per_second(bare.port, [Question("POST", "/tables")], frozenset({204}), clients=1)
            yield Pair(stage, bare)


def crowd(session: Session, count: int, prefix: str) -> Sequence[Account]:
    """So many accounts, committed, that outlive the session."""
    made = [make_account(session, f"{prefix} {number}") for number in range(count)]
    session.commit()
    for account in made:
        session.refresh(account)
        session.expunge(account)
    return made
