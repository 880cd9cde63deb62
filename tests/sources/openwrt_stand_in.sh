#!/bin/sh
# Imitates OpenWrt's two commands on the directory $1; a stand-in, started by a real sshd: OpenWrt cannot run here.
case "$SSH_ORIGINAL_COMMAND" in
"sysupgrade --create-backup -") tar -C "$1" -czf - etc ;;
"uci export") cat "$1/uci" ;;
*) echo "ash: $SSH_ORIGINAL_COMMAND: not found" >&2; exit 127 ;;
esac
