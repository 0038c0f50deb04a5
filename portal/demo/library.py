"""What the participants of the demonstration are given: builds, one of them pinned, documents, downloads, news."""

import io
from datetime import timedelta

from portal.challenges import states
from portal.challenges.actions import files, news, resources
from portal.challenges.actions.news import Notice
from portal.challenges.actions.resources import Offer, Release
from portal.challenges.files import keep
from portal.challenges.models import Build
from portal.challenges.states import NewsMail, ResourceKind
from portal.demo.world import Stage, World

# Name, days ago, what changed.
BUILDS = (
    ("20.05", 75, "- The firewall compiles its rules once, at start.\n- Device authentication takes a fresh nonce."),
    ("20.06", 40, "- Exploit mitigations in the network daemon.\n- The manifest's capabilities are checked at start."),
    ("20.07", 9, "- **Fixed:** a file of the update store could be replaced before it was verified.\n"
     "- Kernel 4.9.227.\n\nChains that rest on 20.06 may break here. 20.06 stays pinned."),
)  # fmt: skip
PINNED = "20.06"
MODEL = """## What is defended

The application manifest says what an application may do. Whoever runs code in an application has not yet left it.

| boundary | between | kept by |
|---|---|---|
| application | two applications | Linux, the manifest |
| secure world | Linux and the secure monitor | the monitor |
| root of trust | everything else and Pluton | hardware |

## What is assumed

Physical attacks are out of scope. A report may assume a capability, and says which.
"""
RECIPE = """1. Claim the device to a tenant of your own.
2. `azsphere device enable-development`
3. Build the sample with the SDK of the build that you test, and name that build in your report.
"""
# Title, days ago, build, text; then how many in a hundred have read it.
NEWS = (
    ("Welcome, and where things are", 44, None, "Documents, builds and the kernel's source are on this page.", 96),
    ("Build 20.06 is out", 40, "20.06", "Its release notes say what changed.", 88),
    ("Build 20.06 stays pinned", 30, "20.06", "Updates broke chains. What you build on 20.06 goes on working.", 81),
    ("Build 20.07 is out", 9, "20.07", "Read the notes before you update the device.", 54),
    ("Office hours in the week of the holiday", 1, None, "Tuesday's hour moves to Wednesday.", 15),
)  # fmt: skip


def furnish(world: World, stage: Stage) -> None:
    """Give the participants of a running challenge what they work with, and let most of them read the news."""
    session, lead = world.session, world.staff["lead"]
    builds = {name: _build(world, stage, name, age, notes) for name, age, notes in BUILDS}
    offers = (
        (ResourceKind.DOCUMENT, Offer("Threat model", "What is defended, where, and what is assumed", body=MODEL)),
        (ResourceKind.DOCUMENT, Offer("From the box to a first build", "Claim, enable, build", body=RECIPE)),
        (ResourceKind.LINK, Offer("Kernel source", "The kernel as it is built", url="https://source.demo.example/linux")),
        (ResourceKind.LINK, Offer("Known issues", "What was reported before", url="https://docs.demo.example/known")),
    )  # fmt: skip
    at = world.now - timedelta(days=44)
    for kind, offer in offers:
        made = resources.add_resource(session, stage.challenge, kind, offer, by=lead, at=at)
        resources.move_resource(session, stage.challenge, made, states.PUBLISH, by=lead, at=at)
    for build in builds.values():
        _sdk(world, stage, build)
    _announce(world, stage, builds)


def _build(world: World, stage: Stage, name: str, age: int, notes: str) -> Build:
    at, lead = world.now - timedelta(days=age), world.staff["lead"]
    build = resources.add_build(world.session, stage.challenge, Release(name, at.date(), notes), by=lead, at=at)
    if name == PINNED:
        resources.move_build(world.session, stage.challenge, build, states.PIN, by=lead, at=at)
    return build


def _sdk(world: World, stage: Stage, build: Build) -> None:
    """A small file that is really there, to be fetched and compared with its hash."""
    session, lead = world.session, world.staff["lead"]
    at = build.state_since
    offer = Offer(f"SDK {build.name}", "Headers and the manifest of a sample", build_id=build.id)
    made = resources.add_resource(session, stage.challenge, ResourceKind.DOWNLOAD, offer, by=lead, at=at)
    file = files.begin_file(session, stage.challenge, f"sdk-{build.name}.txt", by=lead, at=at)
    text = f'SDK {build.name} of the demonstration\n\n#define BUILD "{build.name}"\n' + "int applibs_open(void);\n" * 64
    kept = keep(world.store, file.folder, io.BytesIO(text.encode()))
    files.complete_file(session, stage.challenge, made, file, kept, by=lead, at=at)
    resources.move_resource(session, stage.challenge, made, states.PUBLISH, by=lead, at=at)


def _announce(world: World, stage: Stage, builds: dict[str, Build]) -> None:
    session, host = world.session, world.staff["host1"]
    members = [member for group in stage.participants for member in group]
    for number, member in enumerate(members):
        if number % 9 == 4:
            choice = NewsMail.NEVER if number % 2 else NewsMail.AT_ONCE
            news.choose_mail(session, member, choice, at=world.now - timedelta(days=43))
    for number, (title, age, build, text, share) in enumerate(NEWS):
        at = world.now - timedelta(days=age)
        notice = Notice(title, text, builds[build].id if build else None)
        made = news.announce(session, stage.challenge, notice, by=host, at=at)
        for place, member in enumerate(members):
            if (place * 37 + number * 11) % 100 < share:
                news.mark_read(session, [made.id], member.account_id, at=at + timedelta(hours=1 + place % 20))
        session.flush()
        news.tell(session, at=at + timedelta(days=1))
    planned = Notice("Build 20.08 comes next week", "Plan for it.", None, world.now + timedelta(days=5))
    news.announce(session, stage.challenge, planned, by=host, at=world.now)
