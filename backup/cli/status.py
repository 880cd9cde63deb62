"""``xinglin backup status``."""

import json
from pathlib import Path

import click

from backup import report
from backup.cli.common import FINDINGS, config_option, explained
from backup.config import policy_file
from backup.night import recorder
from backup.point_in_time import store
from backup.status import Outcome, read_runs, read_verifications


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@explained
def status(config_path: Path, as_json: bool) -> int:
    """Tell how each policy stands.  Exit code 1 when one has no good and proved backup within its RPO."""
    config = policy_file.load(config_path)
    unreadable: list[str] = []

    def note(path: Path, problem: str) -> None:
        unreadable.append(f"{path}: {problem}")

    runs, proofs = read_runs(config.runs, note), read_verifications(config.verifications, note)
    repositories = ["local", *(["offsite"] if config.offsite else [])]
    moment = recorder.now_utc()
    standings = [report.standing(policy, runs, proofs, moment, repositories) for policy in config.policies]
    wal = store.read_state(config)
    if as_json:
        data = {"schema": 1, "host": config.host, "unreadable": unreadable, "wal": wal and wal.to_json()}
        click.echo(json.dumps(data | {"policies": [item.to_json() for item in standings]}, ensure_ascii=False))
    else:
        for item in standings:
            click.echo(item.text())
        if wal:
            click.echo(store.state_lines(wal))
        for problem in unreadable:
            click.echo(f"unreadable status file: {problem}", err=True)
    is_good = all(item.is_good for item in standings) and (wal is None or wal.outcome is not Outcome.FAILED)
    return 0 if is_good else FINDINGS
