"""Network UPS Tools: its protocol, its variables as a UpsReading, and a collector that watches upsd."""
