"""Profiles: what the numbers of a MIB mean, as data."""
