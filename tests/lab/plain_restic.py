"""Plain restic with a host's own secrets, as the README tells it: none of our code takes part."""

import json
from datetime import UTC, datetime
from typing import Any

from tests.lab.host import Host

REPOSITORIES = ("local", "offsite")
# "$1" is local or offsite.
SCRIPT = """
set -eu
where=$1; shift
url=$(python3 -c 'import json,sys; print(json.load(open("/etc/xinglin/backup.json"))[sys.argv[1]]["url"])' "$where")
export RESTIC_REPOSITORY="$url" RESTIC_CACERT=/etc/xinglin/pki/ca.crt RESTIC_CACHE_DIR=/var/cache/xinglin/restic
export RESTIC_PASSWORD_FILE=/etc/xinglin/secrets/repository.password RESTIC_REST_USERNAME="$(hostname)"
export RESTIC_REST_PASSWORD="$(cat "/etc/xinglin/secrets/$where.http-password")"
exec restic --retry-lock 2m "$@"
"""


def restic(host: Host, where: str, *arguments: str) -> str:
    """Run restic on the host against one of its repositories; raises ``LabError`` when it fails."""
    return host.run("bash", "-c", SCRIPT, "restic", where, *arguments)


def attempt(host: Host, where: str, *arguments: str) -> str:
    """Run restic, whatever its exit code (which tells little); returns all it said."""
    done = host.attempt("bash", "-c", SCRIPT, "restic", where, *arguments)
    return done.stdout + done.stderr


def listed(host: Host, where: str) -> list[dict[str, Any]]:
    """Every snapshot there, as restic lists it."""
    found: list[dict[str, Any]] = json.loads(restic(host, where, "snapshots", "--json"))
    return found


def snapshots(host: Host, where: str) -> set[str]:
    """The ids of every snapshot there."""
    return {snapshot["id"] for snapshot in listed(host, where)}


def sets(host: Host, where: str) -> set[str]:
    """The runs whose sets are sealed there; one dated in the future is a forgery, and nothing copies it."""
    now = datetime.now(UTC)
    return {
        tag.removeprefix("run=")
        for snapshot in listed(host, where)
        if "kind=set" in snapshot["tags"] and datetime.fromisoformat(snapshot["time"]) <= now
        for tag in snapshot["tags"]
        if tag.startswith("run=")
    }


def require_clean(host: Host) -> None:
    """Every byte of both repositories read back without an error."""
    for where in REPOSITORIES:
        assert "no errors were found" in restic(host, where, "check", "--read-data"), where
