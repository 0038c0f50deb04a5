"""iCalendar read line by line, as RFC 5545 writes its grammar: a second opinion beside the library that wrote it."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

NAME = re.compile(r"[A-Za-z0-9-]+")
PARAMETER = re.compile(r';([A-Za-z0-9-]+)=("[^"\x00-\x08\x0a-\x1f\x7f]*"|[^";:,\x00-\x08\x0a-\x1f\x7f]*)')
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
ESCAPES = {"\\": "\\", ";": ";", ",": ",", "n": "\n", "N": "\n"}
CARETS = {"^n": "\n", "^'": '"', "^^": "^"}


@dataclass(frozen=True)
class Line:
    """A content line: its name, its parameters as they were meant (RFC 6868), its value as it stands."""

    name: str
    parameters: dict[str, str]
    value: str

    @property
    def text(self) -> str:
        """The value of a property that is TEXT (3.3.11)."""
        assert not re.search(r"(?<!\\)(?:\\\\)*[;,]", self.value), self.value
        return re.sub(r"\\(.)", lambda found: ESCAPES[found[1]], self.value)

    @property
    def instant(self) -> datetime:
        """The value of a property that is a time in UTC (3.3.5, form 2)."""
        assert not self.parameters
        return datetime.strptime(self.value, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


@dataclass
class Component:
    """What lies between BEGIN and END."""

    name: str
    lines: list[Line] = field(default_factory=list)
    parts: list["Component"] = field(default_factory=list)

    def one(self, name: str) -> Line:
        """The property that must be there once."""
        (found,) = self.all(name)
        return found

    def all(self, name: str) -> list[Line]:
        """Every line of a name."""
        return [line for line in self.lines if line.name == name]


def unfolded(octets: bytes) -> list[str]:
    """The content lines. Each ends with CRLF, is at most 75 octets long, and is UTF-8 before it is put together."""
    assert octets.endswith(b"\r\n")
    lines: list[str] = []
    for raw in octets.removesuffix(b"\r\n").split(b"\r\n"):
        assert len(raw) <= 75, raw
        line = raw.decode()  # a sign that was cut in two would fail here
        assert not CONTROL.search(line), raw
        if line.startswith((" ", "\t")):
            lines[-1] += line[1:]
        else:
            lines.append(line)
    return lines


def line_of(text: str) -> Line:
    """One content line."""
    found = NAME.match(text)
    assert found, text
    place, parameters = found.end(), dict[str, str]()
    while parameter := PARAMETER.match(text, place):
        assert parameter[1].upper() not in parameters
        plain = parameter[2].strip('"')
        parameters[parameter[1].upper()] = re.sub(r"\^[n'^]", lambda caret: CARETS[caret[0]], plain)
        place = parameter.end()
    assert text[place] == ":", text
    return Line(found[0].upper(), parameters, text[place + 1 :])


def calendar_of(octets: bytes) -> Component:
    """The one VCALENDAR. Raises AssertionError where the grammar is broken."""
    open_: list[Component] = [Component("")]
    for line in map(line_of, unfolded(octets)):
        if line.name == "BEGIN":
            made = Component(line.value)
            open_[-1].parts.append(made)
            open_.append(made)
        elif line.name == "END":
            assert open_.pop().name == line.value
        else:
            open_[-1].lines.append(line)
    (root,) = open_
    (calendar,) = root.parts
    assert not root.lines
    assert (calendar.name, calendar.one("VERSION").value) == ("VCALENDAR", "2.0")
    assert calendar.one("PRODID").value
    return calendar
