"""The lab: a facility made of real Debian hosts (systemd, sshd) on one machine, for `up` and for the tests."""
