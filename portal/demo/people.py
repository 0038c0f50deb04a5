"""Invented people: names by country, addresses at demo.example, one password."""

import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple

import sqlalchemy as sa
from faker import Faker
from flask_security import hash_password
from sqlalchemy.orm import Session

from portal.accounts.models import Account, RoleGrant
from portal.accounts.states import EVERYWHERE, Role
from portal.demo.facts import COUNTRIES, TEAMS

PASSWORD = "demo-only-password"  # noqa: S105 - printed at every start
DOMAIN = "demo.example"

# Faker's locale and the usual time zone of each country that somebody in the demonstration comes from.
PLACES = {
    "AR": ("es_AR", "America/Argentina/Buenos_Aires"), "AU": ("en_AU", "Australia/Sydney"),
    "BR": ("pt_BR", "America/Sao_Paulo"), "CA": ("en_CA", "America/Toronto"), "CN": ("zh_CN", "Asia/Shanghai"),
    "CZ": ("cs_CZ", "Europe/Prague"), "DE": ("de_DE", "Europe/Berlin"), "EG": ("en_GB", "Africa/Cairo"),
    "ES": ("es_ES", "Europe/Madrid"), "FR": ("fr_FR", "Europe/Paris"), "GB": ("en_GB", "Europe/London"),
    "ID": ("id_ID", "Asia/Jakarta"), "IL": ("en_US", "Asia/Jerusalem"), "IN": ("en_IN", "Asia/Kolkata"),
    "IT": ("it_IT", "Europe/Rome"), "JP": ("ja_JP", "Asia/Tokyo"), "KR": ("ko_KR", "Asia/Seoul"),
    "NG": ("en_NG", "Africa/Lagos"), "NL": ("nl_NL", "Europe/Amsterdam"), "PK": ("en_PK", "Asia/Karachi"),
    "PL": ("pl_PL", "Europe/Warsaw"), "RO": ("ro_RO", "Europe/Bucharest"), "SE": ("sv_SE", "Europe/Stockholm"),
    "SG": ("en_GB", "Asia/Singapore"), "TR": ("tr_TR", "Europe/Istanbul"), "UA": ("en_GB", "Europe/Kyiv"),
    "US": ("en_US", "America/Los_Angeles"), "VN": ("vi_VN", "Asia/Ho_Chi_Minh"),
}  # fmt: skip
# Faker writes these locales' names in their own script only, or nearly so; a register of given and family names serves.
ROMAN = {
    "ko_KR": ("Minjun Seoyeon Jiho Hayun Dohyun Jiwoo Sujin Hyunwoo", "Kim Lee Park Choi Jung Kang Yoon Lim Han Shin"),
    "zh_CN": ("Wei Fang Jing Hao Lei Min Yan Jun Xin Tao Ying Bo", "Wang Li Zhang Liu Chen Yang Zhao Huang Zhou Wu Xu"),
    "ja_JP": ("Haruto Yui Sota Aoi Ren Hina Kaito Mei Riku Sakura", "Sato Suzuki Takahashi Tanaka Ito Yamamoto Kato"),
    "vi_VN": ("Anh Minh Linh Huy Trang Quang Thao Nam", "Nguyen Tran Le Pham Hoang Phan Vu Dang"),
}
STAFF = {
    "admin": (Role.ADMIN,), "lead": (Role.LEAD,), "logistics": (Role.LOGISTICS,), "finance": (Role.FINANCE,),
    **{f"reviewer{n}": (Role.REVIEWER,) for n in range(1, 7)},
    **{f"host{n}": (Role.HOST,) for n in range(1, 4)},
    **{f"triager{n}": (Role.TRIAGER,) for n in range(1, 3)},
}  # fmt: skip
HOST_ZONES = {"host1": "America/Los_Angeles", "host2": "Europe/Berlin", "host3": "Asia/Tokyo"}


class Person(NamedTuple):
    """Somebody before there is an account: `handle` is the left side of the address."""

    handle: str
    name: str
    country: str

    @property
    def email(self) -> str:
        """The address."""
        return f"{self.handle}@{DOMAIN}"

    @property
    def zone(self) -> str:
        """The usual time zone of the country."""
        return PLACES[self.country][1]


class Names:
    """Invented names, the same ones for the same seed."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.fakers: dict[str, Faker] = {}

    def of(self, country: str) -> str:
        """A full name in Latin letters."""
        locale = PLACES[country][0]
        if locale in ROMAN:
            given, family = (self.random.choice(names.split()) for names in ROMAN[locale])
            return f"{given} {family}"
        if locale not in self.fakers:
            self.fakers[locale] = Faker(locale, providers=["faker.providers.person"], use_weighting=False)
            self.fakers[locale].seed_instance(self.random.randrange(2**32))
        faker = self.fakers[locale]
        return f"{faker.first_name()} {faker.last_name()}"


def researchers(names: Names) -> Iterator[tuple[Person, ...]]:
    """The participants of 2020, teams first: tuples of the persons of each, `researcher1` and up."""
    number = 0
    # Shuffled, so that neighbours in number are no neighbours on the map.
    singles = [(country, 1) for country in _single_countries()]
    names.random.shuffle(singles)
    for country, size in (*TEAMS, *singles):
        numbers = range(number + 1, number + size + 1)
        number += size
        yield tuple(Person(f"researcher{n}", names.of(country), country) for n in numbers)


def _single_countries() -> Iterator[str]:
    left = dict(COUNTRIES)
    for country, size in TEAMS:
        left[country] -= size
    for country, count in left.items():
        yield from [country] * count


def applicants(names: Names, count: int) -> list[Person]:
    """Those who were not chosen, or not yet."""
    # Where hackers live, roughly; every country of PLACES occurs.
    weights = [COUNTRIES.get(country, 2) + 2 for country in PLACES]
    chosen = names.random.choices(list(PLACES), weights, k=count)
    return [Person(f"applicant{n}", names.of(country), country) for n, country in enumerate(chosen, 1)]


def account_rows(people: list[Person], random: Random, joined: datetime, password_hash: str) -> list[dict[str, Any]]:
    """Rows of confirmed accounts, who signed up within the week before `joined`."""
    rows = []
    for person in people:
        at = joined - timedelta(minutes=random.randrange(7 * 24 * 60))
        rows.append(
            {
                "email": person.email,
                "canonical_email": person.email,
                "name": person.name,
                "zone": person.zone,
                "created_at": at,
                "confirmed_at": at + timedelta(minutes=random.randrange(1, 90)),
                "password": password_hash,
                "active": True,
                "fs_uniquifier": secrets.token_hex(32),
            }
        )
    return rows


def add_accounts(
    session: Session, people: list[Person], random: Random, joined: datetime, password_hash: str
) -> dict[str, int]:
    """Insert accounts in bulk; account ids by handle."""
    session.execute(sa.insert(Account), account_rows(people, random, joined, password_hash))
    emails = {person.email: person.handle for person in people}
    found = session.execute(sa.select(Account.email, Account.id).where(Account.email.endswith(f"@{DOMAIN}")))
    return {emails[email]: number for email, number in found if email in emails}


def add_staff(session: Session, names: Names, joined: datetime, password_hash: str) -> dict[str, int]:
    """The team, with its roles in every challenge; account ids by handle."""
    people = [Person(handle, names.of("US"), "US") for handle in STAFF]
    ids = add_accounts(session, people, names.random, joined, password_hash)
    for handle, zone in HOST_ZONES.items():
        session.execute(sa.update(Account).where(Account.id == ids[handle]).values(zone=zone))
    grants = [
        {"account_id": ids[handle], "role": role, "scope": EVERYWHERE, "granted_at": joined}
        for handle, roles in STAFF.items()
        for role in roles
    ]
    session.execute(sa.insert(RoleGrant), grants)
    return ids


def shared_hash() -> str:
    """The hash of the one password, computed once for everybody: argon2 is meant to be slow."""
    hashed: str = hash_password(PASSWORD)
    return hashed
