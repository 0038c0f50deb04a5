"""Weekly office hours: series, sessions, slots, seats, bookings, calendars."""
