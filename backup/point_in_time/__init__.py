"""Point in time for PostgreSQL: a base backup in each set, the log (WAL) between them, and the way back to a moment."""
