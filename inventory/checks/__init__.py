"""The cross-checks: each looks at one question over the whole facility and yields every mistake it finds."""

from collections.abc import Callable, Iterator

from inventory.checks.addresses import check_addresses
from inventory.checks.backup import check_backup
from inventory.checks.hosts import check_hosts
from inventory.checks.names import check_names
from inventory.checks.networks import check_networks
from inventory.checks.notifications import check_notifications
from inventory.checks.power import check_power
from inventory.checks.references import check_references
from inventory.checks.secrets import check_secrets
from inventory.checks.systems import check_systems
from inventory.draft import Draft
from inventory.mistakes import Mistake

CHECKS: tuple[Callable[[Draft], Iterator[Mistake]], ...] = (
    check_addresses,
    check_backup,
    check_hosts,
    check_names,
    check_networks,
    check_notifications,
    check_power,
    check_references,
    check_secrets,
    check_systems,
)
