"""``xinglin backup wal``, which a timer runs every quarter of an hour.

Exit codes: 0 stored, 1 the vault lacks it, 3 WAL is lost, not archived or not stored at all.
"""

import json
from pathlib import Path

import click

from backup.cli.common import FAILED, FINDINGS, config_option, explained
from backup.config import policy_file
from backup.point_in_time import store
from backup.status import Outcome

CODES = {Outcome.SUCCESS: 0, Outcome.WARNING: FINDINGS}


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@explained
def wal(config_path: Path, *, as_json: bool) -> int:
    """Store what PostgreSQL has archived since the last time, in both repositories."""
    state = store.store(policy_file.load(config_path))
    click.echo(json.dumps(state.to_json(), ensure_ascii=False) if as_json else store.state_lines(state))
    return CODES.get(state.outcome, FAILED)
