"""The audit log: append-only, hash-chained, sealed and signed every day, verifiable with openssl and sha256sum."""
