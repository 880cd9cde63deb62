"""The per-host exporter: collectors, the mutual-TLS endpoints, the root-side fact gatherer."""
