"""Those who work beside the intake, in an order that a test knows."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from typing_extensions import override

Work = Callable[..., Any]


class AtOnce:
    """What they are given is done before they let go of it."""

    def submit(self, work: Work, *given: Any) -> "Future[Any]":
        """The work, done."""
        done: Future[Any] = Future()
        done.set_result(work(*given))
        return done


class LastFirst:
    """Nothing is done before somebody waits; then all of it, what was given last first."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Awaited, Work, tuple[Any, ...]]] = []

    def submit(self, work: Work, *given: Any) -> "Future[Any]":
        """The work, not yet done."""
        awaited = Awaited(self)
        self._waiting.append((awaited, work, given))
        return awaited

    def work(self) -> None:
        """Do everything."""
        while self._waiting:
            awaited, work, given = self._waiting.pop()
            awaited.set_result(work(*given))


class Awaited(Future[Any]):
    """The outcome of work that begins when somebody waits for it."""

    def __init__(self, hands: LastFirst) -> None:
        super().__init__()
        self._hands = hands

    @override
    def result(self, timeout: float | None = None) -> Any:
        self._hands.work()
        return super().result(timeout)


class Unhurried:
    """Each piece of work is done when somebody waits for it, and no sooner."""

    def submit(self, work: Work, *given: Any) -> "Future[Any]":
        """The work, not yet done."""
        return LastFirst().submit(work, *given)


HANDS = {"at once": AtOnce, "last first": LastFirst}
