"""Tests of what keeps the repositories: guard, retention, keeper, watch."""
