"""MariaDB: a dump and its manifest in one consistent view, proved in a scratch server of the same version."""
