"""The demonstration: the challenge of 2020 replayed with invented people, and one that is running now."""
