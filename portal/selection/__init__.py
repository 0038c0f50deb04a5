"""Selection: reviews, scores, decisions, the waves in which they go out, and the answers to invitations."""
