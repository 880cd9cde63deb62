"""The facility, described once: schema, loader, example clinic."""
