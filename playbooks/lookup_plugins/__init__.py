"""Lookup plug-ins: they read on the controller what a task brings to a host."""
