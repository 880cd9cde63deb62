"""Accounts, passwords, the first login and sessions; knows nothing of the web."""
