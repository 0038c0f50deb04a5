"""Public results, acknowledgements, programme statistics."""
