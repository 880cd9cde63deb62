"""The nightly job: one policy's sources into the local repository, then a copy to the vault."""
