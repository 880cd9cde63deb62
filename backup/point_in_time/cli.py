"""``xinglin backup wal``, which a timer runs every quarter of an hour.

Exit codes: 0 stored, 1 the vault lacks it, 3 WAL is lost, not archived or not stored at all.
"""

import json
from pathlib import Path

import click

from backup import policy_file, report
from backup.cli.common import FAILED, FINDINGS, config_option, explained
from backup.point_in_time import store
from backup.status import Outcome, format_time

CODES = {Outcome.SUCCESS: 0, Outcome.WARNING: FINDINGS}


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@explained
def wal(config_path: Path, *, as_json: bool) -> int:
    """Store what PostgreSQL has archived since the last time, in both repositories."""
    state = store.store(policy_file.load(config_path))
    if as_json:
        click.echo(json.dumps(state.to_json(), ensure_ascii=False))
    else:
        click.echo(f"WAL: {state.outcome.value}; {state.segments} files, {report.size(state.bytes)} in the spool")
        for name, moment in state.stored_until.items():
            click.echo(f"  {name}: stored until {format_time(moment)}")
        if state.cause:
            click.echo("\n".join(f"  {line}" for line in report.explained(state.cause).splitlines()))
    return CODES.get(state.outcome, FAILED)
