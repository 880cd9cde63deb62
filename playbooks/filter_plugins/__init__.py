"""Filters that the playbooks' templates use."""
