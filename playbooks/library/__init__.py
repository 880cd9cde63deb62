"""Small modules that run on the hosts; each needs Debian's Python only."""
