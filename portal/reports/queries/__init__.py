"""Finding reports, files, key sets and tokens, always within what the person may see."""
