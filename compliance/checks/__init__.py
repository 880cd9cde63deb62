"""The checks: each judges one requirement from facts, as numbered steps that are pure functions."""
