"""An S3 server: rclone serving a folder."""

import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.waiting import free_port, until_answering

BUCKET = "portal"


@dataclass
class Store:
    """`url` is what PORTAL_STORAGE_URL takes; `environ` tells clients where the server is and who they are."""

    url: str
    environ: dict[str, str]
    folder: Path
    command: list[str]
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Serve what is there, and wait until it answers."""
        log = self.folder.parent.with_name("log")
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                env={**os.environ, "RCLONE_CONFIG": "/dev/null"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        until_answering(int(self.environ["AWS_ENDPOINT_URL"].rpartition(":")[2]), "/", self.process, log, ok=False)

    def kill(self) -> None:
        """End the process at once, as a power cut would."""
        if self.process:
            self.process.kill()
            self.process.wait()


@contextmanager
def s3() -> Iterator[Store]:
    """A server with one empty bucket.

    The folder that rooms share in it is there, and stays: rclone mistakes pieces where two requests make one at once.
    """
    port, key, secret = free_port(), secrets.token_hex(8), secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="portal-s3-") as name:
        folder = Path(name) / "buckets"
        (folder / BUCKET / "reports").mkdir(parents=True)
        command = [str(Path(sys.executable).with_name("rclone")), "serve", "s3", "--addr", f"127.0.0.1:{port}"]
        command += ["--no-cleanup", "--auth-key", f"{key},{secret}", str(folder)]
        store = Store(f"s3://{BUCKET}", _environ(port, key, secret), folder / BUCKET, command)
        try:
            store.start()
            yield store
        finally:
            store.kill()


def _environ(port: int, key: str, secret: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": secret,
    }
