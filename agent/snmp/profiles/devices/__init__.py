"""One TOML file per vendor of devices; read by agent.devices.profile."""
