"""Tests of the backup room: real restic, real PostgreSQL, a real append-only rest-server with TLS."""
