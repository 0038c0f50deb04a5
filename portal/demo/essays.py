"""What invented applicants write: sentences that fit together, chosen by chance."""

from random import Random

from portal.applications.models import Question
from portal.applications.rules.questions import Answer, Asked
from portal.applications.states import QuestionKind

AREAS = (
    "embedded Linux", "trusted execution environments", "firmware extraction", "Wi-Fi and network stacks",
    "kernel exploitation", "secure boot chains", "fuzzing of parsers", "static analysis of C code",
    "hardware roots of trust", "update mechanisms", "sandbox escapes", "side channels", "industrial controllers",
)  # fmt: skip
YEARS = ("two", "three", "five", "six", "eight", "ten", "twelve")
WORK = (
    "I found and reported {n} issues in router firmware, of which {m} were given CVE numbers.",
    "My work on {area} was shown at a regional conference last year.",
    "With two colleagues I wrote a fuzzing harness for a real-time operating system; it found {n} crashes.",
    "I maintain a small open-source tool for unpacking flash images.",
    "At work I review the code of medical devices before they are shipped.",
    "As a student I took part in {n} capture-the-flag finals, mostly with binary exploitation.",
    "I have reported to {n} bug bounty programmes; the write-ups are linked above.",
    "My thesis was about {area} and the assumptions that vendors make about it.",
    "I ported an emulator to a board without public documentation in order to fuzz it.",
    "For {years} years I have taught a course on {area}.",
    "Before security I wrote device drivers, which helps more than one would think.",
)  # fmt: skip
STEPS = (
    "First I would map which services accept input from the network and which of them parse it before checking it.",
    "I would begin with the public kernel source and compare its configuration with what upstream recommends.",
    "The boundary between the application core and the secure world is where I would spend most of the time.",
    "I would write a harness that runs the userland services outside of the device, and fuzz them for {n} weeks.",
    "I would look at how capabilities of the application manifest are enforced, and by whom.",
    "Update handling interests me: who verifies what, in which order, and what happens when power is cut in between.",
    "I would check whether the identity of a device can be replayed towards its services.",
    "I expect single bugs to be mitigated, so I would look for links of a chain and report each of them.",
    "My experience with {area} suggests a look at shared memory between the cores.",
    "I would test how the firewall is programmed when an application is replaced while it runs.",
)  # fmt: skip
GOALS = (
    "A report that can be reproduced on a kit as shipped is what I aim for.",
    "I would rather hand in three well-tested links than one chain that works once.",
    "Even without a finding I would document what I tried, so that nobody has to try it again.",
    "I plan about {n} hours a week for it.",
)
KIT = (
    "I would solder a header for the debug port and trace the boot on a second machine.",
    "The kit would stay in my lab, connected to a network of its own.",
    "One kit is enough for me; I have a logic analyser and an oscilloscope.",
    "I would run the same build for the whole time and compare it with each monthly release.",
    "I need it to confirm on hardware what the emulation shows.",
    "It would be used for {area} only and sent back if you want it back.",
)
LINKS = ("https://github.example/{handle}", "https://{handle}.example/talks", "https://advisories.example/by/{handle}")
LABS = (
    "Kestrel Lab", "Blue Heron Research", "Northlight Security", "Tidewater Labs", "Copper Fox", "Aster Institute",
    "Stonebridge University", "Meridian Threat Research", "Lantern Security", "Redwood Polytechnic", "Grey Harbour",
    "Hollow Point Research", "Parallax Labs", "Saltmarsh Security", "Quartz & Pine",
)  # fmt: skip

HEARD = ("a colleague", "a conference", "the announcement", "social media", "a challenge before this one")
QUESTIONS = (
    Asked(QuestionKind.CHOICE, "How did you hear of the challenge?", choices=HEARD),
    Asked(QuestionKind.NUMBER, "How many hours a week do you have for it?", required=True),
    Asked(QuestionKind.TEXT, "Under which telephone number can a courier reach you?", personal=True,
          hint="With the country code. Only the courier is given it."),
)  # fmt: skip


def answer(random: Random, question: Question) -> Answer:
    """What somebody answers to a question of the lead; empty where it may be left out."""
    if not question.required and random.random() < 0.2:
        return ""
    if question.kind is QuestionKind.CHOICE:
        return random.choice(question.choices)
    if question.kind is QuestionKind.NUMBER:
        return random.choice((4, 6, 8, 10, 12, 20))
    return f"+{random.randint(30, 98)} {random.randint(100, 999)} {random.randint(1000000, 9999999)}"


def filled(random: Random, sentence: str) -> str:
    """A sentence with its blanks filled."""
    few = random.randint(2, 9)
    return sentence.format(
        n=few, m=random.randint(1, few), area=random.choice(AREAS), years=random.choice(YEARS), handle="{handle}"
    )


def essay(random: Random, pool: tuple[str, ...], least: int, most: int) -> str:
    """Some sentences of a pool, none twice, as one or two paragraphs."""
    chosen = [filled(random, line) for line in random.sample(pool, random.randint(least, min(most, len(pool))))]
    cut = (len(chosen) + 1) // 2
    return "\n\n".join(" ".join(part) for part in (chosen[:cut], chosen[cut:]) if part)


def experience(random: Random) -> str:
    """What somebody has done before."""
    opening = f"I have worked on {random.choice(AREAS)} for {random.choice(YEARS)} years."
    return f"{opening} {essay(random, WORK, 1, 5)}"


def plan(random: Random) -> str:
    """What somebody would try."""
    return f"{essay(random, STEPS, 2, 5)}\n\n{filled(random, random.choice(GOALS))}"


def kit_use(random: Random) -> str:
    """What somebody would do with a kit."""
    return essay(random, KIT, 1, 3)
