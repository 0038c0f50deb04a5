"""Files for carriers' programs. To add a program is to add its table to `PROFILES`."""

from portal.kits.rules.carriers.dhl import MYDHL
from portal.kits.rules.carriers.generic import GENERIC
from portal.kits.rules.carriers.profile import Profile
from portal.kits.rules.carriers.ups import CAMPUSSHIP, WORLDSHIP

PROFILES: dict[str, Profile] = {profile.name: profile for profile in (WORLDSHIP, CAMPUSSHIP, MYDHL, GENERIC)}

__all__ = ["PROFILES", "Profile"]
