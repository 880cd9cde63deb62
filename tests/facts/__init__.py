"""Tests of the fact gatherer."""
