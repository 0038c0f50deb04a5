"""What reviewers, the lead and the invited do."""
