"""The console, room by room."""
