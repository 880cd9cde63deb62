"""The typed facility, one noun a file.  Every model is frozen and refuses unknown keys."""
