"""What is known of the challenge of 2020, as what went into it. What came out of it is counted from the rows.

Sources: the announcement of the Azure Sphere Security Research Challenge (5 May 2020), the closing posts of its team
and of MSRC (October 2020), and the write-ups of participants. The people are invented.
"""

from datetime import UTC, date, datetime
from typing import NamedTuple

from portal.challenges.states import ScenarioKind

FINISHED = "azure-sphere-2020"
RUNNING = "demo-live"
# Where the programme's days and weeks are counted.
ZONE = "America/Los_Angeles"

ANNOUNCED = date(2020, 5, 5)
APPLY_FROM = datetime(2020, 5, 5, 17, tzinfo=UTC)
APPLY_UNTIL = datetime(2020, 5, 16, 6, 59, tzinfo=UTC)
STARTS, ENDS = date(2020, 6, 1), date(2020, 8, 31)
RELEASED = datetime(2020, 10, 6, 16, tzinfo=UTC)
PLANNED_PLACES = 50

SUMMARY = """Three months on the operating system of a secured microcontroller platform: its root of trust, its secure
world, its Linux userland. Participants get a dev kit, a direct line to the OS Security Engineering Team, weekly office
hours, documentation and the public source of the kernel."""

RULES = """## In scope

The operating system that runs on the device: the root of trust, the secure world, the Linux kernel and the services
above it. The list of research scenarios says what earns the highest rewards.

## Out of scope

- The cloud services. They have a standing bounty programme of their own.
- Physical attacks on the device.
- Anything that touches devices, tenants or data that are not yours.

## Reporting

Report a vulnerability as soon as you can reproduce it. Reports are sealed on your own machine, so that only the triage
team can read them. "Assuming I had capability X" is welcome: most chains are made of such links.

## Disclosure

You agree with the team on a date. Until a fix has reached the devices, what you found stays between you and the team.
"""

AGREEMENT = """## What you agree to

1. You research only within the scope that the rules describe, and only on devices that are yours or were sent to you.
2. You keep what you find confidential until the date that you and the team have agreed on.
3. The dev kit is lent to you for the time of the challenge, and yours afterwards if you have taken part.
4. You are not a person with whom the programme may not deal under the sanctions laws of its country.
5. You treat other participants and the team with respect.
"""


class ScenarioFact(NamedTuple):
    """One research scenario as it was announced."""

    code: str
    kind: ScenarioKind
    title: str


SCENARIOS = (
    ScenarioFact("H1", ScenarioKind.HIGH_PRIORITY, "Ability to execute code on Pluton"),
    ScenarioFact("H2", ScenarioKind.HIGH_PRIORITY, "Ability to execute code on Secure World"),
    ScenarioFact("G1", ScenarioKind.GENERAL, "Ability to execute code on NetworkD, locally or remotely"),
    ScenarioFact(
        "G2", ScenarioKind.GENERAL, "Anything allowing execution of unsigned code that isn't pure ROP under Linux"
    ),
    ScenarioFact(
        "G3",
        ScenarioKind.GENERAL,
        "Anything allowing elevation of privilege outside of the capabilities described in the application manifest",
    ),
    ScenarioFact(
        "G4",
        ScenarioKind.GENERAL,
        "Ability to modify software and configuration options on a DeviceComplete device claimed to a tenant that you "
        "are not signed into",
    ),
    ScenarioFact(
        "G5",
        ScenarioKind.GENERAL,
        "Ability to alter the firewall so that it allows traffic to domains not in the application manifest",
    ),
    ScenarioFact("G6", ScenarioKind.GENERAL, "Ability to spoof device authentication"),
)
REWARD = {
    ScenarioKind.HIGH_PRIORITY: "$100,000",
    ScenarioKind.GENERAL: "Azure Bounty, up to $40,000, with an uplift of 10 % or 20 %",
}

# Where the participants came from: persons by country.
COUNTRIES = {
    "US": 13, "CN": 6, "DE": 6, "IN": 6, "FR": 4, "GB": 4, "JP": 4, "IL": 3, "KR": 3, "NL": 3, "PL": 3,
    "BR": 2, "CA": 2, "CZ": 2, "ES": 2, "IT": 2, "AR": 1, "AU": 1, "SE": 1, "SG": 1, "VN": 1,
}  # fmt: skip
# The sizes of the teams among them; everybody else took part alone.
TEAMS = (("US", 4), ("US", 3), ("CN", 3), ("DE", 2), ("FR", 2), ("IL", 2), ("JP", 2), ("KR", 2))


class SubmissionFact(NamedTuple):
    """One of the forty submissions, as triage saw it in the end.

    `participant` counts the participants from 1, the first eight being the teams of TEAMS. `quality` is that of the
    report, None where no award was due. `release` is the monthly release that fixed it, None where it was by design.
    """

    participant: int
    received: date
    scenario: str
    achieved: bool
    severity: str | None
    quality: str | None
    release: str | None


RELEASES = {"20.07": date(2020, 7, 22), "20.08": date(2020, 8, 26), "20.09": date(2020, 9, 29)}


def _eligible(
    participant: int,
    day: tuple[int, int],
    scenario: str,
    severity: str,
    quality: str,
    release: str,
    achieved: bool = True,
) -> SubmissionFact:
    return SubmissionFact(participant, date(2020, *day), scenario, achieved, severity, quality, release)


def _improved(participant: int, day: tuple[int, int], scenario: str, severity: str, release: str) -> SubmissionFact:
    """It made the product better, but no bounty was due."""
    return SubmissionFact(participant, date(2020, *day), scenario, False, severity, None, release)


def _by_design(participant: int, day: tuple[int, int], scenario: str) -> SubmissionFact:
    """The risk is specifically mitigated in another part of the system."""
    return SubmissionFact(participant, date(2020, *day), scenario, False, None, None, None)


# The most serious chain: one of its links was a zero-day of the kernel, and it was fixed for all in less than 30 days.
KERNEL_CHAIN = _eligible(1, (7, 28), "G4", "critical", "high", "20.08")

SUBMISSIONS = (
    # One team's six awards: 3,300, 48,000, 11,000, 11,000, 48,000 and 48,000.
    _eligible(1, (6, 11), "G3", "important", "low", "20.07"),
    _eligible(1, (6, 25), "G2", "critical", "high", "20.07"),
    _eligible(1, (7, 2), "G3", "important", "medium", "20.08"),
    _eligible(1, (7, 16), "G3", "important", "medium", "20.08"),
    KERNEL_CHAIN,
    _eligible(1, (8, 18), "G3", "critical", "high", "20.09"),
    # The other ten.
    _eligible(2, (6, 24), "G2", "critical", "high", "20.07"),
    _eligible(2, (7, 9), "G3", "important", "high", "20.08"),
    _eligible(2, (8, 6), "G2", "important", "medium", "20.09"),
    _eligible(3, (6, 30), "G3", "critical", "medium", "20.07"),
    _eligible(4, (7, 14), "G2", "important", "high", "20.08"),
    _eligible(5, (7, 21), "G3", "important", "high", "20.08"),
    _eligible(9, (6, 18), "G2", "critical", "low", "20.07"),
    _eligible(14, (7, 30), "G3", "important", "high", "20.08"),
    _eligible(22, (8, 11), "G3", "important", "medium", "20.09"),
    _eligible(31, (8, 20), "G2", "important", "medium", "20.09"),
    # Important, and yet no bounty: known to the team, or a link that needs what nobody has.
    _improved(3, (6, 16), "G1", "important", "20.07"),
    _improved(6, (7, 7), "G5", "important", "20.08"),
    _improved(11, (7, 23), "G1", "important", "20.08"),
    _improved(17, (8, 13), "G6", "important", "20.09"),
    _improved(7, (6, 9), "G5", "moderate", "20.07"),
    _improved(8, (6, 22), "G1", "moderate", "20.07"),
    _improved(10, (6, 29), "G3", "moderate", "20.07"),
    _improved(12, (7, 6), "G1", "moderate", "20.08"),
    _improved(19, (7, 13), "G5", "moderate", "20.08"),
    _improved(24, (7, 20), "G3", "low", "20.08"),
    _improved(28, (7, 27), "G6", "low", "20.08"),
    _improved(33, (8, 5), "G1", "low", "20.09"),
    _improved(40, (8, 12), "G5", "low", "20.09"),
    _improved(52, (8, 24), "G3", "low", "20.09"),
    _by_design(2, (6, 12), "G5"),
    _by_design(9, (6, 26), "G4"),
    _by_design(13, (7, 1), "G6"),
    _by_design(15, (7, 8), "G5"),
    _by_design(18, (7, 17), "G1"),
    _by_design(21, (7, 24), "G4"),
    _by_design(26, (8, 3), "G5"),
    _by_design(35, (8, 10), "G6"),
    _by_design(44, (8, 19), "G1"),
    _by_design(57, (8, 27), "G5"),
)

# The layers that keep a known risk in check elsewhere.
LAYERS = (
    "Signature check when an application image is loaded",
    "Hardware firewall between the cores",
    "Application manifest enforced by the security monitor",
    "Device attestation at every connection",
    "Memory protection set before the kernel starts",
)

# The bounty table: what a report of a severity and quality is worth before the uplift.
BASES = {
    "critical": {"high": 40_000, "medium": 20_000, "low": 10_000},
    "important": {"high": 20_000, "medium": 10_000, "low": 3_000},
    "moderate": {"high": 3_000, "medium": 1_500, "low": 500},
}
UPLIFTS = {"critical": 20, "important": 10}
FIXED_AMOUNT = 100_000
