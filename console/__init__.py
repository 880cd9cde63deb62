"""The operations console: web, worker, store."""
