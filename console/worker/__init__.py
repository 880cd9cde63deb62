"""The worker: one process that scrapes, ingests, judges, rolls up and seals."""
