"""The facility's way down when the mains is away, and its way back; both on record."""
