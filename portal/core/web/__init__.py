"""HTTP for every room: headers, error pages, filters, downloads."""

from portal.core.web.answers import conditional, csv_response, wants_json
from portal.core.web.headers import trusted_types

__all__ = ["conditional", "csv_response", "trusted_types", "wants_json"]
