"""People: sign-in, roles, the access gate, personal data."""
