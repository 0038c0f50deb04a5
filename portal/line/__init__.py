"""The direct line: a conversation of each participant with the team, on the page and by mail."""
