"""Reachability of devices that speak neither SNMP nor anything of ours: cameras, medical devices."""
