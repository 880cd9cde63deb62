"""The restore test: what was stored is restored and compared."""
