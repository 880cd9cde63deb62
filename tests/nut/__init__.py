"""Tests of the NUT client, collector and role against the real upsd, drivers and upsmon."""
