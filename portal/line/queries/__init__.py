"""Finding conversations: a participant's own, the team's inbox, and the mails that came in."""
