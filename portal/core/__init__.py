"""Mechanisms that know no room: database, clock, errors, moves, audit, outbox, blobs, paging, web."""
