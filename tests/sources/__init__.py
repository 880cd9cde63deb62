"""Each source against the real server that it backs up."""
