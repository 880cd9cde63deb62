"""Policy, sources, the restic wrapper, the nightly job, verification and their status format."""
