"""The collectors: each turns one source of the host into metric families."""
