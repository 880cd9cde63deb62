"""Configurations of network devices, fetched over SSH."""
