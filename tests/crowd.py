"""Many at the same moment."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core.db import db, prepare
from portal.core.errors import Conflict, Refused


class Crowd:
    """Runs something in so many threads at once, each with its own session on the test's database.

    What came of it is counted: the kind of refusal, what was said in words, or "done".
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.engine = sa.create_engine(db.engine.url, pool_size=number, pool_timeout=60)
        prepare(self.engine)

    def run(self, act: Callable[[Session, int], object]) -> Counter[str]:
        """Let all of them act; each commits what it did."""
        start = Barrier(self.number)

        def one(number: int) -> str:
            start.wait()
            with Session(self.engine) as session:
                try:
                    said = act(session, number)
                    session.commit()
                except (Conflict, Refused) as answer:
                    return type(answer).__name__
                return said if isinstance(said, str) else "done"

        with ThreadPoolExecutor(self.number) as pool:
            return Counter(pool.map(one, range(self.number)))


@contextmanager
def crowd_of(number: int) -> Iterator[Crowd]:
    """Such a crowd, which lets go of its connections at the end."""
    made = Crowd(number)
    try:
        yield made
    finally:
        made.engine.dispose()
