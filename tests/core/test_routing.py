"""Addresses of pages are those that Werkzeug makes, whenever they are asked for."""

import pytest
from werkzeug import routing
from werkzeug.exceptions import NotFound

from portal.core.web.routing import Rule

RULES = ["/", "/a/", "/a/<int:number>", "/a/<slug>/of/<path:rest>", "/with space/<x>"]
VALUES = [{}, {"number": 7}, {"slug": "a b", "rest": "c/d ?"}, {"x": "ü"}, {"x": "1", "more": "2"}, {"number": None}]


def addresses(kind: type[routing.Rule]) -> routing.MapAdapter:
    made = [kind(rule, endpoint=str(number)) for number, rule in enumerate(RULES)]
    made.append(kind("/all/", defaults={"page": 1}, endpoint="paged"))
    made.append(kind("/all/<int:page>", endpoint="paged"))
    return routing.Map(made).bind("portal.example")


@pytest.mark.parametrize("endpoint", [*map(str, range(len(RULES))), "paged", "none"])
@pytest.mark.parametrize("values", [*VALUES, {"page": 1}, {"page": 2}])
def test_the_same_is_made_as_by_the_rules_of_werkzeug(endpoint: str, values: dict[str, object]) -> None:
    def made(kind: type[routing.Rule]) -> str:
        try:
            return addresses(kind).build(endpoint, values)
        except routing.BuildError:
            return "none"

    assert made(Rule) == made(routing.Rule)


def test_nothing_is_compiled_before_an_address_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[bool] = []
    compiling = routing.Rule._compile_builder

    def counting(rule: routing.Rule, append_unknown: bool = True) -> object:
        compiled.append(append_unknown)
        return compiling(rule, append_unknown)

    monkeypatch.setattr(routing.Rule, "_compile_builder", counting)
    known = addresses(Rule)
    assert known.match("/a/3") == ("2", {"number": 3})
    with pytest.raises(NotFound):
        known.match("/b")
    assert compiled == []

    assert [known.build("2", {"number": 3}) for _ in range(3)] == ["/a/3"] * 3
    assert compiled == [True]
