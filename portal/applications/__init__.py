"""Applications: drafting, submitting, and the queue in which the staff reads them."""
