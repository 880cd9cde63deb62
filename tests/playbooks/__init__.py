"""Tests of the playbooks and of the runner that drives them."""
