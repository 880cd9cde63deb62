"""Alerts: rules as data, how their conditions stand, incidents, and the outbox that tells people."""
