"""Text out of a mail: characters that people see, in lines, whatever it came as."""

import codecs
import re
import unicodedata
from html.parser import HTMLParser

import nh3
from typing_extensions import override

# Marks that turn text around (Unicode, bidirectional formatting): with them a line shows what it does not say.
_TURNING = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Encodings that people's mail programs use. Python knows more, among them slow ones and such that are no text.
_CHARSETS = re.compile(
    r"ascii|utf-?(8|16|32)(-[bl]e|-sig)?|iso8859-\d+|cp\d+|koi8-[rtu]|mac-\w+|gb2312|gbk|gb18030|big5(hkscs)?"
    r"|shift_jis(x0213|_2004)?|euc_(jp|kr|jis_2004|jisx0213)|iso2022_(jp|kr)(_\w+)?|johab|tis-620|hz"
)
MOST_HTML = 64 * 1024
_BLOCKS = {"p", "div", "tr", "table", "ul", "ol", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "blockquote", "li"}
_KEPT = _BLOCKS | {"br", "a"}
_DROPPED = {"script", "style", "title", "head", "template", "noscript"}


def decoded(octets: bytes, charset: str | None) -> str:
    """The text of a part. Where its charset is missing, unknown or wrong: UTF-8, else what Windows would write."""
    for name in (charset, "utf-8"):
        try:
            if name and _CHARSETS.fullmatch(codecs.lookup(name).name):
                return octets.decode(name)
        except (LookupError, ValueError):
            continue
    return octets.decode("cp1252", "replace")


def tidy(text: str) -> str:
    """The text without what nobody sees, its lines ended by newlines, without blanks at their ends."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    shown = "".join(sign for sign in lines if sign in "\n\t" or _visible(sign))
    stripped = "\n".join(line.rstrip() for line in shown.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", stripped).strip("\n")


def _visible(sign: str) -> bool:
    return sign not in _TURNING and unicodedata.category(sign) not in ("Cc", "Cs", "Cn", "Co")


def one_line(text: str, most: int) -> str:
    """The text on one line of at most so many characters."""
    return " ".join(tidy(text).split())[:most].strip()


def from_html(html: str) -> str:
    """What an HTML mail says, with quotations marked as in plain mails. At most 64 KiB of its body are read."""
    # Some programs put more style than text into a mail.
    head = re.search("</head>", html, re.IGNORECASE)
    body = html[head.end() if head else 0 :][:MOST_HTML]
    # Ammonia parses as a browser would; what it gives back is well formed.
    safe = nh3.clean(body, tags=_KEPT, attributes={"a": {"href"}}, clean_content_tags=_DROPPED, link_rel=None)
    reader = _Reader()
    reader.feed(safe)
    reader.close()
    return "\n".join(reader.lines())


class _Reader(HTMLParser):
    """Turns the few tags that are left into lines."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = []
        self._now: list[str] = []
        self._quoted = 0
        self._kept_blanks = 0
        self._href = ""
        self._linked: list[str] = []

    def lines(self) -> list[str]:
        """The lines so far."""
        self._end_line()
        return self._lines

    def _end_line(self) -> None:
        if self._now:
            prefix = ">" * min(self._quoted, 8)
            text = "".join(self._now)
            text = text.rstrip() if self._kept_blanks else text.strip()
            self._lines.append(f"{prefix} {text}".rstrip() if prefix else text)
        self._now = []

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self._now.append("")
            self._end_line()
        elif tag == "a":
            self._href, self._linked = dict(attrs).get("href") or "", []
        elif tag in _BLOCKS:
            self._end_line()
            self._quoted += tag == "blockquote"
            self._kept_blanks += tag == "pre"
            if tag == "li":
                self._now.append("- ")

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._name_link()
        elif tag in _BLOCKS:
            self._end_line()
            if tag in ("p", "table", "ul", "ol", "pre", "blockquote"):
                self._lines.append("")
            self._quoted -= tag == "blockquote"
            self._kept_blanks -= tag == "pre"

    def _name_link(self) -> None:
        said = "".join(self._linked).strip()
        if self._href.startswith(("http://", "https://")) and self._href.rstrip("/") != said.rstrip("/"):
            self._now.append(f" ({self._href})" if said else self._href)
        self._href = ""

    @override
    def handle_data(self, data: str) -> None:
        if self._kept_blanks:
            first, *others = data.split("\n")
            self._now.append(first)
            for line in others:
                self._end_line()
                self._now.append(line)
            return
        text = re.sub(r"\s+", " ", data)
        if text.strip() or self._now:
            self._now.append(text)
        self._linked.append(text)
