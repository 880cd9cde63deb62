"""A Windows share: everything on it as one tar stream, read by ``smbclient``, nothing mounted."""
