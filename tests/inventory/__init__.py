"""Tests of the facility: schema, loader, checks, making, command line."""
