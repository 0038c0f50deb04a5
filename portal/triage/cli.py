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
from typing import NoReturn

from portal.triage import opening, receipts, replying, settings, threads
from portal.triage.client import Json, Portal
from portal.triage.failures import Damaged, Failure, Unanswered, Unreadable
from portal.triage.pins import Pins
from portal.triage.settings import Settings
from portal.triage.text import plain

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

    fetch = commands.add_parser("fetch", help="download a report, still sealed")
    _report_arguments(fetch)
    fetch.set_defaults(run=_fetch)

    opened = commands.add_parser("open", help="download, decrypt and check a report, then acknowledge it")
    _report_arguments(opened)
    opened.add_argument("--max-bytes", type=_bytes, default=LARGEST, help="stop when it unpacks to more (default 4G)")
    opened.add_argument("--no-acknowledge", action="store_true", help="do not start the clock")
    opened.set_defaults(run=_open)

    _conversation(commands)

    acknowledge = commands.add_parser("acknowledge", help="say that a report has been read")
    acknowledge.add_argument("ref")
    acknowledge.set_defaults(run=_acknowledge)

    verify = commands.add_parser("verify", help="check the signature of a receipt")
    verify.add_argument("receipt", type=Path)
    verify.add_argument("--key", type=Path, required=True, help="the portal's receipts.pem, got once and kept")
    verify.add_argument("--signature", type=Path, help="default: beside the receipt, with the ending .sig")
    verify.set_defaults(run=_verify)
    return parser


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
