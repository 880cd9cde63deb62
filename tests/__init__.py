"""Tests, and the lab that `up` shares with them."""
