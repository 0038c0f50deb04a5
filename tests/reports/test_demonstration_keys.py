"""The demonstration's keys protect nothing, so nobody else may publish them."""

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from portal.core.errors import Refused
from portal.reports import certificates
from portal.reports.actions.keys import publish_key_set
from portal.reports.demonstration_keys import FINGERPRINTS
from portal.reports.queries import keys
from tests.cast import NOON
from tests.reports.openpgp import certificate

FOLDER = Path(__file__).parents[2] / "portal" / "demo" / "keys"
TRIAGERS = [(FOLDER / f"demo-triager{number}.asc").read_text() for number in (1, 2, 3, 4)]
HOSTS = [(FOLDER / f"demo-host{number}.asc").read_text() for number in (1, 2, 3)]
RESEARCHER = (FOLDER / "demo-researcher.asc").read_text()
RECOVERY = (FOLDER / "demo-recovery.asc").read_text()


def test_the_list_names_every_key_of_the_demonstration() -> None:
    found = [certificates.inspect(text, at=NOON) for text in [*TRIAGERS, *HOSTS, RESEARCHER, RECOVERY]]

    assert {each.fingerprint for each in found} == FINGERPRINTS
    assert [each.expires_at for each in found] == [None] * len(found)
    assert len(list(FOLDER.glob("*-PRIVATE-not-secret.asc"))) == len(found)


@pytest.mark.parametrize(
    ("triager", "recovery"), [(TRIAGERS[1], certificate()), (certificate(), RECOVERY)], ids=["triager", "recovery"]
)
def test_they_are_refused_elsewhere(session: Session, triager: str, recovery: str) -> None:
    with pytest.raises(Refused, match="everybody has its secret half"):
        publish_key_set(session, [(None, triager)], recovery, by=None, at=NOON)

    assert keys.current_set(session) is None


def test_the_demonstration_may_publish_them(session: Session) -> None:
    made = publish_key_set(session, [(None, text) for text in TRIAGERS], RECOVERY, by=None, at=NOON, demonstration=True)

    assert {member.fingerprint for member in made.members} < FINGERPRINTS
