"""The facility's power and its devices: what the store keeps of them, and what follows from it."""
