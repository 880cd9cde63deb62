"""restic and the servers of its repositories: commands, what they say, locks, space, refused deletions."""
