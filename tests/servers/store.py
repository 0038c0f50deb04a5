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


@dataclass(frozen=True)
class Store:
    """`url` is what PORTAL_STORAGE_URL takes; `environ` tells clients where the server is and who they are."""

    url: str
    environ: dict[str, str]
    folder: Path


@contextmanager
def s3() -> Iterator[Store]:
    """A server with one empty bucket."""
    port, key, secret = free_port(), secrets.token_hex(8), secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="portal-s3-") as name:
        folder, log = Path(name) / "buckets", Path(name) / "log"
        (folder / BUCKET).mkdir(parents=True)
        command = [str(Path(sys.executable).with_name("rclone")), "serve", "s3", "--addr", f"127.0.0.1:{port}"]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*command, "--auth-key", f"{key},{secret}", str(folder)],
                env={**os.environ, "RCLONE_CONFIG": "/dev/null"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        try:
            until_answering(port, "/", process, log, ok=False)
            yield Store(f"s3://{BUCKET}", _environ(port, key, secret), folder / BUCKET)
        finally:
            process.kill()
            process.wait()


def _environ(port: int, key: str, secret: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": secret,
    }
