"""The playbooks and the runner that drives them."""
