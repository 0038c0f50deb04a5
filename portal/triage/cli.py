"""The subcommands: arguments in, one line or a table out, an exit code."""

import argparse
import getpass
import json
import os
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, TypeAlias

from portal.triage import history, known, opening, receipts, replying, rewrapping, settings, threads
from portal.triage.client import Json, Portal
from portal.triage.failures import Damaged, Failure, Miswrapped, Unanswered, Unreadable
from portal.triage.pins import Pins
from portal.triage.settings import Settings
from portal.triage.text import plain

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}
LARGEST, LARGEST_MESSAGE = 4 * 2**30, 2**28
EPILOGUE = """exit codes: 0 done, 1 a fault of this machine, 2 wrong use, 3 the portal cannot be reached or refuses,
4 damaged or changed on its way, 5 no key here opens it, 6 too large, 130 interrupted"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; gives the exit code."""
    os.umask(0o077)
    signal.signal(signal.SIGTERM, _stop)
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except Failure as failure:
        sys.stderr.write(f"portal-triage: {failure}\n")
        return failure.code
    except OSError as error:
        sys.stderr.write(f"portal-triage: {error.strerror or error}{f': {error.filename}' if error.filename else ''}\n")
        return Failure.code
    except KeyboardInterrupt:
        sys.stderr.write("portal-triage: interrupted; nothing was kept\n")
        return 130
    return 0


def _stop(*_: object) -> NoReturn:
    # As an interrupt, so that what is half done is cleared away.
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "portal-triage", description="Open sealed reports with the gpg of this machine.", epilog=EPILOGUE
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    login = commands.add_parser(
        "login", help="keep the portal's address and a token (asked for, or from standard input)"
    )
    login.add_argument("address", help="of the challenge's staff pages: https://portal.example/staff/CHALLENGE")
    login.set_defaults(run=_login)

    listing = commands.add_parser("list", help="list the reports")
    listing.add_argument("--state", help="only those in this state")
    listing.add_argument("--json", action="store_true", help="one JSON object a line")
    listing.set_defaults(run=_list)

    _add_reading(commands)
    _add_rewrap(commands)
    _conversation(commands)
    _add_verify(commands)
    _known_arguments(commands.add_parser("known", help="commit to issues that are known, and reveal one"))
    return parser


def _add_reading(commands: Commands) -> None:
    fetch = commands.add_parser("fetch", help="download a report, still sealed")
    _report_arguments(fetch)
    fetch.set_defaults(run=_fetch)

    opened = commands.add_parser("open", help="download, decrypt and check a report, then acknowledge it")
    _report_arguments(opened)
    opened.add_argument("--max-bytes", type=_bytes, default=LARGEST, help="stop when it unpacks to more (default 4G)")
    opened.add_argument("--no-acknowledge", action="store_true", help="do not start the clock")
    opened.set_defaults(run=_open)

    acknowledge = commands.add_parser("acknowledge", help="say that a report has been read")
    acknowledge.add_argument("ref")
    acknowledge.set_defaults(run=_acknowledge)


def _add_verify(commands: Commands) -> None:
    verify = commands.add_parser("verify", help="check the signature of a receipt")
    verify.add_argument("receipt", type=Path)
    verify.add_argument("--key", type=Path, required=True, help="the portal's receipts.pem, got once and kept")
    verify.add_argument("--signature", type=Path, help="default: beside the receipt, with the ending .sig")
    verify.set_defaults(run=_verify)


def _add_rewrap(commands: Commands) -> None:
    rewrap = commands.add_parser("rewrap", help="let a new triager open old reports: wrap their session keys anew")
    rewrap.add_argument("--to", action="append", default=[], metavar="FINGERPRINT", help="for this key only")
    rewrap.add_argument("--report", metavar="REF", help="of this report only")
    rewrap.add_argument("--dry-run", action="store_true", help="say what would be done")
    _consent_arguments(rewrap)
    rewrap.set_defaults(run=_rewrap)

    keys = commands.add_parser("keys", help="verify the portal's key sets, and remember the newest")
    _consent_arguments(keys)
    keys.set_defaults(run=_keys)


def _consent_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--pin", action="append", default=[], metavar="FINGERPRINT",
        help="of the key set, compared by you (name each one), where no signature leads to it from what is known here",
    )  # fmt: skip
    parser.add_argument("--yes", action="store_true", help="believe the portal's keys where none are known here yet")


def _consent(options: argparse.Namespace) -> history.Consent:
    pins = frozenset(re.sub(r"\s", "", each).upper() for each in options.pin)
    if not all(rewrapping.FINGERPRINT.fullmatch(each) for each in pins):
        raise Failure("--pin takes a whole fingerprint: forty hexadecimal digits.")
    return history.Consent(pins, options.yes, _confirm if sys.stdin.isatty() else None)


def _known_arguments(parser: argparse.ArgumentParser) -> None:
    steps = parser.add_subparsers(required=True, metavar="STEP")
    commit = steps.add_parser("commit", help="keep texts here and post their hashes")
    commit.add_argument("place", nargs="+", help="a file, a folder of files, a CSV file with a column “text”, or -")
    commit.set_defaults(run=_known_commit)

    steps.add_parser("list", help="list what was committed to").set_defaults(run=_known_list)

    reveal = steps.add_parser("reveal", help="show a text to those whose report it is, or to all")
    reveal.add_argument("number", type=int)
    reveal.add_argument("--report", help="the reference of the report that it decides")
    reveal.add_argument("--link", type=int, help="the link of that report that it decides")
    reveal.add_argument("--all", action="store_true", help="let everybody read it")
    reveal.set_defaults(run=_known_reveal)


def _report_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ref", help="the report's reference")
    parser.add_argument("--to", type=Path, default=Path("."), help="where its folder is made (default: here)")


def _conversation(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    thread = commands.add_parser("thread", help="list the messages about a report, and open them")
    _report_arguments(thread)
    thread.add_argument("--max-bytes", type=_bytes, default=LARGEST_MESSAGE, help="of one message (default 256M)")
    thread.add_argument("--list", action="store_true", help="only list them")
    thread.set_defaults(run=_thread)

    _reply_arguments(commands.add_parser("reply", help="write to the researcher, sealed here"))

    unreadable = commands.add_parser("unreadable", help="say that no triager's key opens a report")
    unreadable.add_argument("ref")
    unreadable.set_defaults(run=_unreadable)


def _reply_arguments(reply: argparse.ArgumentParser) -> None:
    reply.add_argument("ref", help="the report's reference")
    reply.add_argument("--file", type=Path, help="what to say (default: standard input, or an editor)")
    reply.add_argument("--attach", type=Path, action="append", default=[], metavar="FILE", help="attach a file")
    reply.add_argument("--template", default="", metavar="CODE", help="begin with a template; its reason goes along")
    reply.add_argument("--move", default="", help="take a step of triage with it: ask, confirm …")
    reply.add_argument("--say", default="", metavar="WORDS", help="what the step says in clear: no details")
    reply.add_argument("--accept", action="append", default=[], metavar="FINGERPRINT", help="a changed certificate")
    reply.add_argument("--sealed", type=Path, help="send a message that was sealed and could not be sent")
    reply.add_argument("--to", type=Path, default=Path("."), help="where what could not be sent is kept, sealed")
    _consent_arguments(reply)
    reply.set_defaults(run=_reply)


def _bytes(text: str) -> int:
    found = re.fullmatch(r"([1-9]\d*)([KMG]?)", text.upper())
    if not found:
        raise argparse.ArgumentTypeError("a number of bytes, or one with K, M or G")
    return int(found[1]) * UNITS[found[2]]


def _portal() -> Portal:
    return Portal(settings.load(os.environ))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _login(options: argparse.Namespace) -> None:
    url = settings.checked(options.address)
    asked = getpass.getpass("Token: ") if sys.stdin.isatty() else sys.stdin.readline()
    made = Settings(url, settings.checked_token(asked.strip()))
    next(Portal(made).reports(), None)
    _say(f"Signed in to {url}; kept in {settings.store(made, os.environ)}.")


def _list(options: argparse.Namespace) -> None:
    for report in _portal().reports(options.state):
        _say(json.dumps(report, ensure_ascii=True) if options.json else _row(report))


def _row(report: Json) -> str:
    words = [plain(str(report.get(name) or "–")) for name in ("ref", "state", "received_at", "severity", "title")]
    return "  ".join([words[0].ljust(12), words[1].ljust(16), words[2].ljust(20), words[3].ljust(9), words[4]])


def _fetch(options: argparse.Namespace) -> None:
    _say(f"Fetched, still sealed: {opening.fetch(_portal(), options.ref, options.to)}")


def _open(options: argparse.Namespace) -> None:
    portal = _portal()
    try:
        opened = opening.open_report(portal, options.ref, options.to, options.max_bytes)
    except Miswrapped:
        raise
    except (Damaged, Unreadable):
        _hint(f"If no triager can open it, tell the researcher: portal-triage unreadable {plain(options.ref)}")
        raise
    files = f"{opened.files} attachment{'s' if opened.files != 1 else ''}"
    checked = (
        "the ones that its manifest names"
        if opened.manifest
        else "sealed by hand: no manifest says whether all are there"
    )
    _say(f"Opened: {opened.folder} ({files}, {checked})")
    _tell_of_messages(portal, options.ref)
    if options.no_acknowledge:
        return
    try:
        portal.acknowledge(options.ref)
    except Unanswered as failure:
        raise Unanswered(
            f"It is open but not acknowledged. {failure} Then: portal-triage acknowledge {options.ref}"
        ) from None
    _say("Acknowledged.")


def _rewrap(options: argparse.Namespace) -> None:
    chosen = settings.load(os.environ)
    portal = Portal(chosen)
    work = rewrapping.look(portal, options.report)
    if not work.files:
        _say(f"Every key of key set {work.key_set} opens every file.")
        return
    key_set = history.trusted(portal, Pins(chosen.url, os.environ), work.key_set, _consent(options), _say)
    fingerprints = rewrapping.chosen(work, key_set, options.to)
    for each in fingerprints:
        _say(f"For {history.grouped(each)}  {key_set.names[each]}: lacks {work.count(each)}")
    if options.dry_run:
        _say(f"{sum(work.count(each) for each in fingerprints)} session keys would be wrapped.")
        return
    for line in rewrapping.wrap_all(portal, work, key_set, fingerprints):
        _say(line)


def _keys(options: argparse.Namespace) -> None:
    chosen = settings.load(os.environ)
    portal, pins = Portal(chosen), Pins(chosen.url, os.environ)
    found = history.trusted(portal, pins, portal.current_key_set(), _consent(options), _say)
    _say(f"Key set {found.number} is trusted here, and remembered in {pins.path}:")
    for fingerprint, name in found.names.items():
        _say(f"  {history.grouped(fingerprint)}  {name}")


def _confirm(question: str) -> bool:
    """Ask once; only a clear yes is one."""
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def _hint(line: str) -> None:
    """What may help, where a person looks on."""
    if sys.stderr.isatty():
        sys.stderr.write(f"portal-triage: {line}\n")


def _tell_of_messages(portal: Portal, ref: str) -> None:
    try:
        found = threads.listed(threads.fetch(portal, ref))
    except Unanswered:
        return
    for each in found:
        _say(f"  {threads.said(each)}")
    if found:
        _say(f"Open the messages: portal-triage thread {ref}")


def _thread(options: argparse.Namespace) -> None:
    portal = _portal()
    if options.list:
        for each in threads.listed(threads.fetch(portal, options.ref)):
            _say(threads.said(each))
        return
    for line in threads.open_thread(portal, options.ref, options.to, options.max_bytes):
        _say(f"{line.said}  {'opened' if line.fresh else 'here already'}: {line.folder}")
    portal.post(f"reports/{options.ref}/messages/read", {})


def _reply(options: argparse.Namespace) -> None:
    chosen = settings.load(os.environ)
    wish = replying.Wish(
        options.ref, options.file, tuple(options.attach), options.template, options.move, options.say,
        frozenset(each.replace(" ", "").upper() for each in options.accept), options.sealed, options.to,
        _consent(options),
    )  # fmt: skip
    number = replying.reply(Portal(chosen), Pins(chosen.url, os.environ), wish, _say)
    _say(f"Sent, sealed: message {number} about {plain(options.ref)}.")


def _unreadable(options: argparse.Namespace) -> None:
    report = _portal().unreadable(opening.checked(options.ref))
    _say(f"{plain(str(report.get('ref', options.ref)))} is unreadable now. The researcher is asked to seal it again.")


def _acknowledge(options: argparse.Namespace) -> None:
    report = _portal().acknowledge(options.ref)
    _say(f"Acknowledged: {plain(str(report.get('ref', options.ref)))}")


def _verify(options: argparse.Namespace) -> None:
    signature = options.signature or options.receipt.with_suffix(".sig")
    for line in receipts.verify(options.receipt, signature, options.key):
        _say(line)


def _known_commit(options: argparse.Namespace) -> None:
    found = settings.load(os.environ)
    given = [each for place in options.place for each in known.texts(place, _input(place))]
    made = known.commit(Portal(found), found, os.environ, given)
    for issue in made:
        _say(f"K-{int(issue['number'])}  {plain(str(issue['commitment']))}{_late(issue)}")
    _say(f"{len(made)} committed. The texts are in {known.folder(found, os.environ)}: keep a copy of it.")


def _input(place: str) -> bytes:
    return sys.stdin.buffer.read() if place == "-" else b""


def _late(issue: Json) -> str:
    return "  after the challenge began" if issue.get("late") else ""


def _known_list(options: argparse.Namespace) -> None:
    found = settings.load(os.environ)
    here = {issue.commitment: issue for issue in known.read(known.folder(found, os.environ))}
    for listed in Portal(found).known()["issues"]:
        mine = here.pop(listed["commitment"], None)
        first = mine.text.split("\n", 1)[0][:60] if mine else "(its text is on another machine)"
        shown = "revealed" if listed.get("revealed") else "sealed"
        _say(f"K-{int(listed['number']):<5} {plain(str(listed['committed_at'])):<28} {shown:<9} {plain(first)}")
    if here:
        _say(f"{len(here)} kept here but not posted: run `portal-triage known commit` again.")


def _known_reveal(options: argparse.Namespace) -> None:
    if not options.report and not options.all:
        raise Failure("Say to whom: --report REF, or --all.")
    found = settings.load(os.environ)
    portal = Portal(found)
    issue = known.own(portal, found, os.environ, options.number)
    told = {"text": issue.text, "salt": issue.salt, "report": options.report or "", "public": options.all}
    portal.reveal_known(options.number, told | ({"link": options.link} if options.link else {}))
    _say(f"K-{options.number} is revealed{f' for {options.report}' if options.report else ''}.")
