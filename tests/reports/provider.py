"""A checker of CSAF providers for tests: what section 7.1 of the standard demands, asked of a portal as it answers.

Each of its numbers is that of a requirement there. TLS, DNS and lists of providers (3, 10, 21) lie outside the portal;
TLP:AMBER and ROLIE (5, 15 to 17) are not offered.
"""

import csv
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.reports.openpgp import gpg_home

METADATA = "/.well-known/csaf/provider-metadata.json"
# Section 5.1: how files are called.
NAME = re.compile(r"[+\-a-z0-9_]+\.json")
FINGERPRINT = re.compile(r"[0-9a-fA-F]{40,}")


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]


@dataclass
class Checker:
    """Goes from the metadata to every file, as a program would that knows the portal's address alone."""

    client: FlaskClient
    faults: list[str] = field(default_factory=list)
    documents: dict[str, bytes] = field(default_factory=dict)

    def get(self, url: str, need: int) -> TestResponse:
        """What is at an address, without anybody signed in; a fault of `need` if there is nothing."""
        answer = self.client.get(urlsplit(url).path)
        # 6: no redirects.
        self.expect(answer.status_code == 200, need, f"{url}: {answer.status_code}")
        return answer

    def expect(self, holds: bool, need: int, words: str) -> None:
        """Note a fault unless it holds."""
        if not holds:
            self.faults.append(f"{need}: {words}")

    def check(self) -> dict[str, Any]:
        """Ask for everything; the metadata. What is wrong is in `faults`."""
        told: dict[str, Any] = json.loads(self.get(METADATA, 7).data)
        # 9: the address is the well-known one; 8: security.txt names it.
        self.expect(urlsplit(told["canonical_url"]).path == METADATA, 9, told["canonical_url"])
        security = self.get("/.well-known/security.txt", 8).text
        self.expect(f"CSAF: {told['canonical_url']}" in security.splitlines(), 8, security)
        (distribution,) = told["distributions"]
        folder = distribution["directory_url"]
        paths = self.get(urljoin(folder, "index.txt"), 12).text.splitlines()
        self._changes(folder, paths)
        for path in paths:
            self._file(urljoin(folder, path))
        for year in {path.partition("/")[0] for path in paths}:
            self._listing(urljoin(folder, f"{year}/"))
        if told["role"] == "csaf_trusted_provider":
            self._signatures(told["public_openpgp_keys"])
        return told

    def _changes(self, folder: str, paths: list[str]) -> None:
        rows = list(csv.reader(self.get(urljoin(folder, "changes.csv"), 13).text.splitlines()))
        self.expect(sorted(row[0] for row in rows) == sorted(paths), 13, "other files than index.txt")
        times = [datetime.fromisoformat(row[1]) for row in rows]
        self.expect(times == sorted(times, reverse=True), 13, "not in descending order")
        for path, at in rows:
            tracking = json.loads(self.get(urljoin(folder, path), 13).data)["document"]["tracking"]
            self.expect(tracking["current_release_date"] == at, 13, path)

    def _file(self, url: str) -> None:
        answer = self.get(url, 4)
        self.expect(answer.mimetype == "application/json", 1, f"{url}: {answer.mimetype}")
        self.documents[url] = answer.data
        document = json.loads(answer.data)["document"]
        tracking, name = document["tracking"], url.rpartition("/")[2]
        wanted = re.sub(r"[^+\-a-z0-9]+", "_", tracking["id"].lower()) + ".json"
        self.expect(bool(NAME.fullmatch(name)) and name == wanted, 2, name)
        self.expect(document["distribution"]["tlp"]["label"] == "WHITE", 4, url)
        self.expect(url.split("/")[-2] == tracking["initial_release_date"][:4], 11, url)
        own = [each["url"] for each in document["references"] if each["category"] == "self"]
        self.expect(url in own, 1, f"{url} does not name itself")
        for kind in ("sha256", "sha512"):
            digest = self.get(f"{url}.{kind}", 18).text.split(" ")[0].strip()
            self.expect(digest == hashlib.new(kind, answer.data).hexdigest(), 18, f"{url}.{kind}")

    def _listing(self, url: str) -> None:
        anchors = _Anchors()
        anchors.feed(self.get(url, 14).text)
        listed = {urljoin(url, each) for each in anchors.found}
        for document in self.documents:
            if document.startswith(url):
                self.expect({document, f"{document}.sha512"} <= listed, 14, document)

    def _signatures(self, keys: Sequence[dict[str, str]]) -> None:
        self.expect(bool(keys), 20, "no key")
        with gpg_home() as reader:
            for key in keys:
                reader.run("--import", data=self.get(key["url"], 20).data)
                have = reader.run("--with-colons", "--list-keys").decode()
                self.expect(
                    bool(FINGERPRINT.fullmatch(key["fingerprint"])) and key["fingerprint"] in have, 20, key["url"]
                )
            for url, data in self.documents.items():
                file, asc = reader.home / "file.json", reader.home / "file.json.asc"
                file.write_bytes(data)
                asc.write_bytes(self.get(f"{url}.asc", 19).data)
                told = reader.run("--status-fd", "1", "--verify", str(asc), str(file), expect=None).decode()
                self.expect("VALIDSIG" in told, 19, f"{url}: {told}")
