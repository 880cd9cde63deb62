"""One TOML file per UPS MIB; read by agent.ups.profile."""
