"""Restore for people: what, from when, where to; beside what lives, or in its place once a person has said so."""
