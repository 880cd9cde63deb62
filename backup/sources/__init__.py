"""What a policy can back up: one module a kind, each with how it is captured and how a restore of it is proved."""
