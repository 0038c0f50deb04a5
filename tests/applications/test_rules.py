"""What fits into the form; no database."""

from dataclasses import replace
from datetime import timedelta

import pytest

from portal.accounts.models import Account
from portal.applications import rules
from portal.applications.models import Revision, Step
from portal.applications.rules import Content, Entry
from portal.applications.states import ApplicantKind, ApplicationState
from tests.cast import NOON

WHOLE = Content(
    name="Ada", country="FR", scenario_ids=frozenset({1}), experience="much", plan="this", kit_use="that", adult=True,
    permitted=True, independent=True, agrees=True,
)  # fmt: skip


def test_a_whole_application_has_no_faults() -> None:
    assert rules.faults(WHOLE, {1, 2}) == {}


def test_an_empty_one_lacks_what_submitting_asks_for_and_fits_as_a_draft() -> None:
    assert set(rules.faults(Content(), {1})) == {
        "name", "country", "scenario_ids", "experience", "plan", "kit_use", "adult", "permitted", "independent",
        "agrees",
    }  # fmt: skip
    assert rules.misfits(Content(), {1}) == {}


@pytest.mark.parametrize(
    "link", ["https://example.org", "http://example.org/a?b=c#d", "https://xn--bcher-kva.example/", "https://[::1]/"]
)
def test_links_that_may_be_opened(link: str) -> None:
    assert rules.misfits(replace(WHOLE, links=(link,)), {1}) == {}


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)", "data:text/html,x", "example.org", "https://", "ftp://example.org", "//example.org",
        "https://user:word@example.org", "https://exa mple.org", "https://example.org/\u202egpj", "https://[::1",
        "java\nscript:alert(1)", "HTTPS:example.org",
    ],
)  # fmt: skip
def test_links_that_may_not(link: str) -> None:
    assert list(rules.misfits(replace(WHOLE, links=(link,)), {1})) == ["links"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"links": tuple(f"https://example.org/{n}" for n in range(11))}, "links"),
        ({"links": ("https://example.org/" + "x" * 281,)}, "links"),
        ({"experience": "x" * 4001}, "experience"),
        ({"plan": "x" * 4001}, "plan"),
        ({"kit_use": "x" * 2001}, "kit_use"),
        ({"handle": "x" * 81}, "handle"),
        ({"country": "ZZ"}, "country"),
        ({"country": "fr"}, "country"),
        ({"scenario_ids": frozenset({3})}, "scenario_ids"),
        ({"team": ("nobody",)}, "team"),
        ({"team": ("a@b.c, d@e.f",)}, "team"),
        ({"team": tuple(f"a{n}@example.org" for n in range(10))}, "team"),
        ({"certificate": "a key"}, "certificate"),
        ({"certificate": "-----BEGIN PGP PUBLIC KEY BLOCK-----" + "x" * 50_000}, "certificate"),
    ],
)
def test_what_fits_into_no_draft(changes: dict[str, object], field: str) -> None:
    assert list(rules.misfits(replace(WHOLE, **changes), {1, 2})) == [field]  # type: ignore[arg-type]


def test_a_link_of_300_characters_fits() -> None:
    assert rules.misfits(replace(WHOLE, links=("https://example.org/" + "x" * 280,)), {1}) == {}


def test_a_private_key_is_recognised() -> None:
    told = rules.misfits(replace(WHOLE, certificate="-----BEGIN PGP PRIVATE KEY BLOCK-----"), {1})
    assert told["certificate"].startswith("This is a private key.")


def test_a_team_names_its_others() -> None:
    alone = replace(WHOLE, kind=ApplicantKind.TEAM)
    assert list(rules.faults(alone, {1})) == ["team"]
    assert rules.faults(replace(alone, team=("cem@example.org",)), {1}) == {}


def test_countries_are_countries() -> None:
    assert {"DE", "JP", "US", "XK"} <= set(rules.COUNTRIES)
    assert not {"EU", "UN", "ZZ", "XA"} & set(rules.COUNTRIES)
    assert list(rules.COUNTRIES.values()) == sorted(rules.COUNTRIES.values())


def test_the_timeline_tells_the_staff_who_and_why_and_the_applicant_only_what() -> None:
    lead = Account(name="Lena", email="lena@example.org")
    steps = [
        Step(at=NOON + timedelta(days=2), state=ApplicationState.DISQUALIFIED, by=lead, reason="spam again"),
        Step(at=NOON, state=ApplicationState.SUBMITTED, by=None, reason=None),
    ]
    revisions = [Revision(number=1, at=NOON), Revision(number=2, at=NOON + timedelta(days=1))]

    assert rules.timeline(steps, revisions, for_staff=False) == [
        Entry(NOON + timedelta(days=2), "Not considered"),
        Entry(NOON + timedelta(days=1), "Changed (version 2)"),
        Entry(NOON, "Received"),
    ]
    assert rules.timeline(steps, revisions, for_staff=True)[0] == Entry(
        NOON + timedelta(days=2), "Not considered", "spam again", "Lena"
    )
