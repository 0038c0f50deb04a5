"""Rules of addresses, of which there are hundreds."""

from collections.abc import Callable

from typing_extensions import override
from werkzeug import routing


class Rule(routing.Rule):
    """A rule whose addresses are made by a function that is compiled when the first is asked for.

    Werkzeug compiles two for each rule at once: an eighth of a process's start, and most are never called in it. Should
    a later release do so elsewhere, this is not called, and nothing is lost but that.
    """

    @override
    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compiled: Callable[..., tuple[str, str]] | None = None

        def build(rule: routing.Rule, **values: object) -> tuple[str, str]:
            nonlocal compiled
            if compiled is None:
                compiled = super(Rule, self)._compile_builder(append_unknown)
            return compiled(rule, **values)

        return build
