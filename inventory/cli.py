"""`xinglin init` and `xinglin check`.

Exit codes: 0 fine, 1 mistakes in the facility or in the answers, 2 usage.
"""

import sys
from pathlib import Path

import click

from inventory.answers import back_to_answers, read_answers
from inventory.create import create_facility, make_secrets
from inventory.loader import find_facility, load_facility
from inventory.mistakes import FacilityError
from inventory.questions import ask_answers
from inventory.schema.whole import Facility
from inventory.writing import schema_text

DIRECTORY = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("directory", type=DIRECTORY)
@click.option("--from", "source", type=click.Path(path_type=Path, dir_okay=False), help="Read the answers from a file.")
@click.option("--secrets", is_flag=True, help="Only make the secrets that the facility in DIRECTORY lacks.")
def init(directory: Path, source: Path | None, secrets: bool) -> None:
    """Describe a new facility in DIRECTORY, by questions or from a file."""
    if secrets and source:
        raise click.UsageError("--secrets takes no answers: use it without --from.")
    try:
        if secrets:
            written = make_secrets(find_facility(directory))
            click.echo("\n".join(f"made {file}" for file in written) or "nothing to make: every secret is there")
            return
        facility = _create(directory, source)
    except FacilityError as error:
        _refuse(error)
    click.echo(summary(facility))
    click.echo(
        f"\nKeep {directory}/.vault-password and {facility.operator_key} in the recovery kit: they are not in git.\n"
        f"Next: review {directory}/group_vars/all/facility.yml, then: xinglin check {directory}"
    )


@click.command()
@click.argument("directory", type=DIRECTORY, required=False)
@click.option("--schema", is_flag=True, help="Print the JSON Schema of facility.yml for editors, and nothing else.")
def check(directory: Path | None, schema: bool) -> None:
    """Validate the facility in DIRECTORY, else in $XINGLIN_FACILITY, else in ./facility."""
    if schema:
        click.echo(schema_text(), nl=False)
        return
    try:
        facility = load_facility(find_facility(directory))
    except FacilityError as error:
        _refuse(error)
    click.echo(summary(facility))


def summary(facility: Facility) -> str:
    """Return the facility in one screen."""
    counted = (
        "flows",
        "mlps_systems",
        "contacts",
        "notification_routes",
        "ups",
        "devices",
        "access_points",
        "gateways",
    )
    counts = ", ".join(f"{name.replace('_', ' ')}: {len(getattr(facility, name))}" for name in counted)
    lines = [
        f"{facility.name_zh} ({facility.name_en})",
        f"  {facility.id}, {facility.timezone}, MLPS level {facility.mlps_level}",
        "",
        *(
            f"  {host.name:<16} {host.address:<15} {host.zone:<12} Debian {host.debian}  {', '.join(host.groups)}"
            for host in facility.hosts
        ),
        "",
        *(f"  zone {zone.name:<11} {zone.cidr:<18} gateway {zone.gateway}" for zone in facility.zones),
        "",
        *(
            f"  backup {policy.name:<9} {policy.schedule} on {', '.join(policy.hosts)};"
            f" RPO {policy.rpo_hours} h, RTO {policy.rto_hours} h"
            for policy in facility.backup_policies
        ),
        "",
        f"  {counts}. No mistakes.",
    ]
    return "\n".join(lines)


def _create(directory: Path, source: Path | None) -> Facility:
    if source is None:
        return create_facility(ask_answers(), directory)
    answers, document = read_answers(source)
    try:
        return create_facility(answers, directory)
    except FacilityError as error:
        raise back_to_answers(error, document) from None


def _refuse(error: FacilityError) -> None:
    click.echo("\n\n".join(str(mistake) for mistake in error.mistakes))
    count = len(error.mistakes)
    click.echo(f"\n{count} mistake{'s' if count > 1 else ''}.", err=True)
    sys.exit(1)
