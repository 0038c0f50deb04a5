"""Kit models, units, addresses, shipments, tracking."""
