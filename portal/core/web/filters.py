"""How instants, dates and amounts are written for people."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_currency, format_decimal
from flask import Flask, current_app, g, has_request_context
from markupsafe import Markup, escape
from nh3 import clean

from portal.core import clock

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

LOCALE = "en_GB"
_TAGS = {
    "p", "br", "em", "strong", "code", "pre", "ul", "ol", "li", "blockquote", "h2", "h3", "h4", "a", "hr",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip


def viewer_zone() -> ZoneInfo:
    """The zone of the person who looks, which `accounts` knows; UTC for strangers and outside of requests."""
    if not has_request_context():
        return ZoneInfo("UTC")
    if "viewer_zone" not in g:
        tell = current_app.extensions.get("portal.viewer_zone")
        g.viewer_zone = ZoneInfo(tell() if tell else "UTC")
    known: ZoneInfo = g.viewer_zone
    return known


def _time(instant: datetime, text: str, title: str) -> Markup:
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), title, text
    )


def _exact(instant: datetime, zone: ZoneInfo) -> str:
    local = instant.astimezone(zone)
    return f"{format_datetime(local, 'EEE d MMM y, HH:mm', locale=LOCALE)} {local.tzname()}"


def when(instant: datetime | None, zone: str | None = None) -> Markup | str:
    """An instant in the viewer's zone (or the one named), UTC one hover away."""
    if instant is None:
        return "–"
    return _time(instant, _exact(instant, ZoneInfo(zone) if zone else viewer_zone()), _exact(instant, ZoneInfo("UTC")))


def hour(instant: datetime | None) -> Markup | str:
    """The time of a day that the page names, in the viewer's zone: 17:00; the exact instant in its title."""
    if instant is None:
        return "–"
    zone = viewer_zone()
    return _time(instant, format_datetime(instant.astimezone(zone), "HH:mm", locale=LOCALE), _exact(instant, zone))


def ago(instant: datetime | None) -> Markup | str:
    """How long ago or ahead an instant is, the exact one in its title."""
    if instant is None:
        return "–"
    text = format_timedelta(instant - clock.now(), add_direction=True, locale=LOCALE)
    return _time(instant, text, _exact(instant, viewer_zone()))


def day(value: date | datetime | None) -> str:
    """A date: 5 May 2020."""
    if isinstance(value, datetime):
        value = value.astimezone(viewer_zone()).date()
    return _day(value) if value else "–"


@lru_cache(maxsize=2048)
def _day(value: date) -> str:
    return format_date(value, "d MMM y", locale=LOCALE)


def dated(instant: datetime | None) -> Markup | str:
    """The date of an instant in the viewer's zone, its time in UTC one hover away: for long lists."""
    if instant is None:
        return "–"
    return _time(instant, day(instant), f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC")


def money(amount: Decimal | None, currency: str = "USD") -> str:
    """An amount without needless cents: $48,000."""
    if amount is None:
        return "–"
    whole = amount == amount.to_integral_value()
    return format_currency(amount, currency, "¤#,##0" if whole else "¤#,##0.00", locale="en_US", currency_digits=False)


def number(value: int | Decimal) -> str:
    """A number with its thousands apart."""
    return format_decimal(value, locale="en_US")


def counted(count: int, noun: str) -> str:
    """A number with its noun: 1 parcel, 2 parcels."""
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"


def size(count: int) -> str:
    """A number of bytes in binary units."""
    value = float(count)
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"


@cache
def _reader() -> "MarkdownIt":
    """What reads Markdown, loaded with the first text: commands write no pages, and it takes a while to load."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable("table")


def markdown(text: str) -> Markup:
    """Markdown as harmless HTML; links tell nobody where the reader came from."""
    safe = clean(_reader().render(text), tags=_TAGS, link_rel="noopener noreferrer nofollow")
    return Markup(safe)  # noqa: S704 - nh3 has just cleaned it


def words(value: object) -> str:
    """A state's stored value in words: "handed_over" → "handed over"."""
    return str(escape(str(value))).replace("_", " ")


FILTERS: dict[str, Callable[..., object]] = {
    "when": when, "hour": hour, "ago": ago, "date": day, "dated": dated, "money": money, "number": number,
    "counted": counted, "size": size, "markdown": markdown,
    "words": words,
}  # fmt: skip


def init_filters(app: Flask) -> None:
    """Teach the templates."""
    app.jinja_env.filters.update(FILTERS)
