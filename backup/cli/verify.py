"""``xinglin backup verify``."""

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from backup import report
from backup.cli.common import FAILED, FINDINGS, ProgressLine, chosen, config_option, explained, policy_option
from backup.config import policy_file
from backup.config.policy import Config, Policy
from backup.night.recorder import now_utc
from backup.rules import proof
from backup.status import Verdict, read_runs, read_verifications
from backup.verification.verify import verify_policy

CODES = {Verdict.PASSED: 0, Verdict.FAILED: FINDINGS, Verdict.SKIPPED: FINDINGS}


@click.command()
@config_option
@policy_option
@click.option("--repository", "repository_name", type=click.Choice(["local", "offsite"]), default="local")
@click.option("--self-test", is_flag=True, help="Then spoil what was proved, to see that the restore test can fail.")
@click.option(
    "--due",
    is_flag=True,
    help="What is due tonight: the local repository daily, the offsite one and the self-test weekly.",
)
@explained
def verify(config_path: Path, policy_name: str | None, repository_name: str, self_test: bool, due: bool) -> int:
    """Restore the newest backup into a scratch place and compare it with the original's manifest."""
    config = policy_file.load(config_path)
    codes = [0]
    for policy in chosen(config, policy_name):
        for name in _due(config, policy) if due else [repository_name]:
            shows = self_test or (due and _is_self_test_due(config, policy))
            with ProgressLine() as line:
                done = verify_policy(config, policy, name, self_test=shows, show=line.show)
            click.echo(report.verification_lines(done))
            codes.append(CODES.get(done.verdict, FAILED))
    return max(codes)


def _due(config: Config, policy: Policy) -> Iterator[str]:
    proofs, zone = read_verifications(config.verifications), ZoneInfo(config.timezone)
    all_day = bool(policy.also_at)
    runs = [run for run in read_runs(config.runs) if run.policy == policy.name and run.outcome in report.GOOD]
    last_run = runs[0].started_at if runs and not all_day else None
    for name in ["local", *(["offsite"] if config.offsite else [])]:
        if proof.is_due(proofs, config.host, policy.name, name, moment=now_utc(), zone=zone, last_run=last_run):
            yield name


def _is_self_test_due(config: Config, policy: Policy) -> bool:
    proofs = read_verifications(config.verifications)
    return proof.is_self_test_due(proofs, policy.name, now_utc(), ZoneInfo(config.timezone))
