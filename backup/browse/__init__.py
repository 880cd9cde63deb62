"""Looks into the repositories on this machine's disk for others: a tiny service, and the client that asks it."""
