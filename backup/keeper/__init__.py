"""Keeps the repositories on their own server: checks, heals, thins out, watches the space.  Hosts can never delete."""
