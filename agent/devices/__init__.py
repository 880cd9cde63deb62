"""Devices that run no agent, read by SNMP: switches, access points, gateways, printers, room sensors."""
