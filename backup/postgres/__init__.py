"""PostgreSQL: a dump and a manifest of the same snapshot, a scratch server, and how both are compared."""
