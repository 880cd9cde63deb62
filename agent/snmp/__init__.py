"""SNMP: the engine, the poller, the traps, and the profiles that say what a device's numbers mean."""
