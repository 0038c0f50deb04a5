"""The landing page, what to do next, and the staff's view of the engine room."""
