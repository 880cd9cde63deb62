"""The root-side fact gatherer: reads a host, never changes it, keeps raw output for the assessor."""
