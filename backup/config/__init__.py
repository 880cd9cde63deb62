"""This host's backup configuration: what it may hold, how it is read, as typed values."""
