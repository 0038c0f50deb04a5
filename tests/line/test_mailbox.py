"""The mailbox, read for real: Dovecot on one side, either database on the other."""

import ssl
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.core import outbox
from portal.core.jobs import Job, perform
from portal.core.mail import config_of, message, transport
from portal.line import intake, mailbox
from portal.line.intake import read_mails
from portal.line.mailbox import PROCESSED, REFUSED, Inbox, Unreached
from portal.line.models import Incoming, Message
from portal.line.states import Outcome, Via
from tests.cast import NOON, Cast
from tests.conftest import Clock
from tests.line.conftest import Desk, letter
from tests.line.test_letters import nested
from tests.servers import MailStore, mail_store, smtp

O = Outcome  # noqa: E741
LATER = NOON + timedelta(hours=1)


def folders(store: MailStore) -> tuple[int, int, int]:
    """How many mails lie in the inbox, among the processed, among the refused."""
    return store.count(), store.count(PROCESSED), store.count(REFUSED)


def outcomes(session: Session) -> list[Outcome]:
    session.rollback()
    return list(session.scalars(sa.select(Incoming.outcome).order_by(Incoming.uid)))


def by_mail(session: Session) -> list[str]:
    session.rollback()
    return list(session.scalars(sa.select(Message.text).where(Message.via == Via.MAIL).order_by(Message.id)))


@pytest.fixture
def answered(desk: Desk) -> str:
    """The address under which the researcher answers the team."""
    desk.write()
    desk.answer()
    return desk.address()


def test_mails_are_taken_in_and_put_aside(desk: Desk, store: MailStore, answered: str) -> None:
    store.deliver(letter(answered, number=1).as_bytes())
    store.deliver(letter(answered, sender="eve@example.org", number=2).as_bytes())
    store.deliver(letter("nobody@example.org", number=3).as_bytes())
    store.deliver(letter(answered, "Out.", number=4, Auto_Submitted="auto-replied").as_bytes())

    assert read_mails(desk.session, LATER) == 4

    assert outcomes(desk.session) == [O.TAKEN, O.OTHER_SENDER, O.UNADDRESSED, O.AUTOMATIC]
    assert by_mail(desk.session) == ["Thank you, found it."]
    assert folders(store) == (0, 2, 2)
    assert store.count(PROCESSED, "KEYWORD PortalHandled UNSEEN") == 2
    assert read_mails(desk.session, LATER) == 0


def test_there_and_back_again(
    desk: Desk, store: MailStore, cast: Cast, app: Flask, lines: Callable[..., None], clock: Clock
) -> None:
    """What a mail program makes of our mail, sent by a real server, comes home to its conversation."""
    desk.write("Where is the log?", subject="The log")
    desk.answer("Read section 4.", in_mail=True)
    with smtp() as outside:
        lines(mail_url=outside.url)
        config = config_of(app)
        with transport(config) as way:
            outbox.drain(desk.session, lambda mail: way.send(message(mail, config)), NOON)
        ours = next(each for each in outside.received if each.recipients == (cast.researcher.email,)).message
    assert "Read section 4." in ours.get_content() if not ours.is_multipart() else True
    root = desk.addresses.root(desk.conversation().id)
    assert (ours["References"], ours["In-Reply-To"], ours["Auto-Submitted"]) == (root, root, "auto-generated")
    reply = letter(ours["Reply-To"], "Found it.\n\nOn Mon, Research <x@y> wrote:\n> Read section 4.\n")
    reply["In-Reply-To"] = ours["Message-ID"]
    store.deliver(reply.as_bytes())

    assert read_mails(desk.session, LATER) == 1

    assert by_mail(desk.session) == ["Found it."]


@pytest.mark.parametrize("when", ["before", "after"])
def test_whoever_dies_between_database_and_mailbox_loses_nothing_and_does_nothing_twice(
    desk: Desk, store: MailStore, answered: str, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """A kill before the commit, or between the commit and the flag."""
    store.deliver(letter(answered).as_bytes())
    with monkeypatch.context() as patch:

        def die(*_anything: object) -> None:
            raise SystemExit

        if when == "after":
            patch.setattr(Inbox, "put_aside", die)
        else:
            patch.setattr(intake, "_take_in", die)
        with pytest.raises(SystemExit):
            read_mails(desk.session, LATER)
    desk.session.rollback()
    assert folders(store) == (1, 0, 0)
    assert len(by_mail(desk.session)) == (1 if when == "after" else 0)

    assert read_mails(desk.session, LATER) == 1

    assert by_mail(desk.session) == ["Thank you, found it."]
    assert outcomes(desk.session) == [O.TAKEN]
    assert folders(store) == (0, 1, 0)


def test_two_workers_at_once_take_it_in_once(
    desk: Desk, store: MailStore, answered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second looks while the first has seen the mail and not yet written anything."""
    store.deliver(letter(answered).as_bytes())
    look, nested_runs = intake._outcome, [0]

    def slow(session: Session, place: intake.Place) -> Outcome | None:
        found = look(session, place)
        if not nested_runs[0]:
            nested_runs[0] = 1
            assert read_mails(session, LATER) == 1
        return found

    monkeypatch.setattr(intake, "_outcome", slow)
    # Its own mail has gone from the inbox meanwhile.
    assert read_mails(desk.session, LATER) == 0

    assert (by_mail(desk.session), outcomes(desk.session)) == (["Thank you, found it."], [O.TAKEN])
    assert folders(store) == (0, 1, 0)


def test_of_two_who_write_it_down_the_second_finds_it_there(
    desk: Desk, store: MailStore, answered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.deliver(letter(answered).as_bytes())
    take_in, runs = intake._take_in, [0]

    def slow(session: Session, *rest: object) -> Outcome:
        runs[0] += 1
        if runs[0] == 1:
            assert read_mails(session, LATER) == 1
        return take_in(session, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(intake, "_take_in", slow)
    assert read_mails(desk.session, LATER) == 1

    assert (by_mail(desk.session), outcomes(desk.session)) == (["Thank you, found it."], [O.TAKEN])


HOSTILE: dict[str, Callable[[str], bytes]] = {
    "10 MB": lambda to: letter(to).as_bytes() + (b"x" * 997 + b"\n") * 10_500,
    "10 MB of headers": lambda to: (
        b"".join(b"X-%d: %s\n" % (n, b"y" * 900) for n in range(11_000)) + letter(to).as_bytes()
    ),
    "deep": lambda to: f"From: rosa-researcher@example.org\nTo: {to}\n".encode() + nested(3000),
    "nothing": lambda _to: b"\n",
    "no headers": lambda _to: b"\n\nHello.",
    "NUL": lambda to: f"From: rosa-researcher@example.org\nTo: {to}\n\na".encode() + b"\x01\x02b",
    "not ASCII": lambda to: f"From: rosa-researcher@example.org\nTo: {to}\nSubject: ".encode() + b"\xff\xfe\n\n\xff",
}
BECOMES = {
    "10 MB": O.TOO_LARGE, "10 MB of headers": O.UNADDRESSED, "deep": O.UNREADABLE, "nothing": O.UNADDRESSED,
    "no headers": O.UNADDRESSED, "NUL": O.TAKEN, "not ASCII": O.TAKEN,
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_bad_mail_does_not_hold_up_a_good_one(desk: Desk, store: MailStore, answered: str, name: str) -> None:
    store.deliver(HOSTILE[name](answered))
    store.deliver(letter(answered, "Good.", number=2).as_bytes())

    assert read_mails(desk.session, LATER) == 2

    first, second = outcomes(desk.session)
    assert first is BECOMES[name]
    assert second is O.TAKEN
    assert by_mail(desk.session)[-1] == "Good."
    assert store.count() == 0


def test_a_fault_of_ours_leaves_the_mail_where_it_is_and_holds_up_no_other(
    desk: Desk, store: MailStore, answered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.deliver(letter(answered, "Bad.", number=1).as_bytes())
    store.deliver(letter(answered, "Good.", number=2).as_bytes())
    receive = intake.actions.receive

    def failing(session: Session, found: intake.Letter | None, *rest: object, **more: object) -> Incoming:
        if found is not None and "Bad." in found.octets.decode():
            session.execute(sa.text("SELECT no_such_column FROM account"))
        return receive(session, found, *rest, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(intake.actions, "receive", failing)
        run = perform(desk.session, Job("line: read mails", 30, read_mails), LATER)
    assert run.error is not None
    assert by_mail(desk.session) == ["Good."]
    assert folders(store) == (1, 1, 0)

    assert read_mails(desk.session, LATER) == 1
    assert by_mail(desk.session) == ["Good.", "Bad."]


def test_without_a_mailbox_nothing_is_done(desk: Desk) -> None:
    assert read_mails(desk.session, LATER) == 0


@pytest.mark.parametrize(
    "change", [("only%2Ffor%40tests", "wrong"), ("/INBOX", "/None"), ("127.0.0.1", "localhost.invalid")]
)
def test_a_mailbox_that_does_not_open_is_a_failed_job(
    desk: Desk, store: MailStore, lines: Callable[..., None], change: tuple[str, str]
) -> None:
    lines(imap_url=store.url.replace(*change))

    run = perform(desk.session, Job("line: read mails", 30, read_mails), LATER)

    assert run.error is not None
    assert run.error.startswith("Unreached")
    assert "only/for@tests" not in run.error


def test_a_server_without_moving_has_its_mails_flagged(
    desk: Desk, store: MailStore, answered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = Inbox.__init__

    def without(self: Inbox, *rest: object) -> None:
        begin(self, *rest)  # type: ignore[arg-type]
        self._moves = False

    monkeypatch.setattr(Inbox, "__init__", without)
    store.deliver(letter(answered).as_bytes())
    assert read_mails(desk.session, LATER) == 1
    assert folders(store) == (1, 0, 0)
    assert store.count("INBOX", "KEYWORD PortalHandled") == 1
    assert read_mails(desk.session, LATER) == 0


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost that is its own authority."""
    found, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", found],
        check=True, capture_output=True,
    )  # fmt: skip
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755)
    return found, key


def test_over_tls_only_a_server_that_proves_its_name_gets_the_password(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("tls")
    found, key = certificate(folder)
    for parent in list(folder.parents)[:2]:
        parent.chmod(0o755)
    with mail_store(certificate=found, key=key) as store:
        with pytest.raises(Unreached, match="CERTIFICATE_VERIFY_FAILED"), mailbox.inbox(store.tls_url):
            pass
        assert "user=<line>, method=PLAIN, rip=127.0.0.1, lip=127.0.0.1, mpid" not in _after(store, "TLS")
        monkeypatch.setenv("SSL_CERT_FILE", str(found))
        with mailbox.inbox(store.tls_url) as box:
            assert box.waiting(10) == []


def _after(store: MailStore, word: str) -> str:
    return "".join(
        line for line in (store.folder / "log").read_text().splitlines() if word in line and "Login:" in line
    )


def test_what_is_not_on_this_machine_is_read_encrypted_only(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    for kind in ("MailBox", "MailBoxStartTls", "MailBoxUnencrypted"):

        def note(host: str, *_rest: object, kind: str = kind, **more: object) -> None:
            asked.append((kind, host))
            assert kind == "MailBoxUnencrypted" or isinstance(more["ssl_context"], ssl.SSLContext)
            raise OSError("nowhere")

        monkeypatch.setattr(f"imap_tools.mailbox.{kind}", note)
    for host in ("imap://u:p@mail.example.org", "imaps://u:p@mail.example.org", "imap://u:p@127.0.0.1"):
        with pytest.raises(Unreached), mailbox.inbox(host):
            pass

    assert asked == [
        ("MailBoxStartTls", "mail.example.org"),
        ("MailBox", "mail.example.org"),
        ("MailBoxUnencrypted", "127.0.0.1"),
    ]
