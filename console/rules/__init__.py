"""Rules: pure functions from what the store knows to problems.  No clock, no store, no web."""
