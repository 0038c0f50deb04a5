"""Dovecot: a real IMAP server on the loopback address, with mailboxes in a folder of its own, as an ordinary user.

Written for Dovecot 2.3, as Debian 12 has it.
"""

import grp
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from imaplib import IMAP4
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.servers.waiting import free_port, until

USER, PASSWORD = "line", "only/for@tests"
CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
disable_plaintext_auth = no
ssl = {tls}
{certificate}
mail_location = maildir:{folder}/mail/%u
mailbox_list_index = no
first_valid_uid = 0
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {folder}/users
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


class MailStore:
    """One account of a running server. `url` is what PORTAL_IMAP_URL takes."""

    def __init__(self, folder: Path, port: int, tls_port: int) -> None:
        self.folder, self.port, self.tls_port = folder, port, tls_port
        secret = quote(PASSWORD, safe="")
        self.url = f"imap://{USER}:{secret}@127.0.0.1:{port}/INBOX"
        self.tls_url = f"imaps://{USER}:{secret}@localhost:{tls_port}/INBOX"

    @contextmanager
    def _signed_in(self) -> Iterator[IMAP4]:
        client = IMAP4("127.0.0.1", self.port, timeout=20)
        try:
            client.login(USER, PASSWORD)
            yield client
        finally:
            client.logout()

    def deliver(self, message: bytes, folder: str = "INBOX") -> None:
        """Put a mail into a folder, as a mail server would that has received it."""
        with self._signed_in() as client:
            kind, answer = client.append(folder, "", "", message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
            assert kind == "OK", answer

    def count(self, folder: str = "INBOX", criteria: str = "ALL") -> int:
        """How many mails there are in a folder; none where there is no such folder."""
        with self._signed_in() as client:
            if client.select(folder, readonly=True)[0] != "OK":
                return 0
            return len(client.search(None, criteria)[1][0].split())

    def empty(self) -> None:
        """Take away every mail and every folder; numbers go on, as they would."""
        with self._signed_in() as client:
            for folder in ("Processed", "Refused"):
                client.delete(folder)
            if int(client.select("INBOX")[1][0] or 0):
                client.store("1:*", "+FLAGS.SILENT", "\\Deleted")
                client.expunge()


@contextmanager
def mail_store(*, certificate: Path | None = None, key: Path | None = None) -> Iterator[MailStore]:
    """A server with one account; also by TLS where there is a certificate."""
    user = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    folder = Path(tempfile.mkdtemp(prefix="portal-dovecot-"))
    store = MailStore(folder, free_port(), free_port())
    try:
        _write(folder, user, store, certificate, key)
        server = _start(folder, user, store)
        try:
            yield store
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=20)
    finally:
        shutil.rmtree(folder)


def _write(folder: Path, user: pwd.struct_passwd, store: MailStore, certificate: Path | None, key: Path | None) -> None:
    group = grp.getgrgid(user.pw_gid).gr_name
    # The folder of tests is root's alone, so the server gets copies of its own.
    own = [shutil.copy(path, folder / path.name) for path in (certificate, key) if path]
    tls = f"ssl_cert = <{own[0]}\nssl_key = <{own[1]}" if own else ""
    text = CONFIGURATION.format(
        folder=folder, user=user.pw_name, group=group, port=store.port, tls="yes" if tls else "no", certificate=tls,
        tls_port=store.tls_port if tls else 0,
    )  # fmt: skip
    (folder / "dovecot.conf").write_text(text)
    (folder / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
    for name in ("run", "state", "mail"):
        (folder / name).mkdir()
    for path in (folder, *folder.iterdir()):
        os.chown(path, user.pw_uid, user.pw_gid)


def _start(folder: Path, user: pwd.struct_passwd, store: MailStore) -> "subprocess.Popen[bytes]":
    program = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin")
    if program is None:
        raise FileNotFoundError("no Dovecot is installed (on Debian: apt-get install dovecot-imapd)")
    as_user: dict[str, Any] = (
        {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    )
    with (folder / "out").open("wb") as out:
        server = subprocess.Popen(
            [program, "-F", "-c", str(folder / "dovecot.conf")], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            cwd=folder, **as_user,
        )  # fmt: skip

    def ready() -> bool:
        if server.poll() is not None:
            log = folder / "log"
            raise RuntimeError(
                f"Dovecot ended: {(folder / 'out').read_text()}{log.read_text() if log.exists() else ''}"
            )
        try:
            with store._signed_in():
                return True
        except (OSError, IMAP4.error):
            return False

    until(ready, "Dovecot")
    return server
