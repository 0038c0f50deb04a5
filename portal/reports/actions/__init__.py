"""What people do with reports, key sets and tokens."""
