"""``xinglin backup verify``."""

from pathlib import Path

import click

from backup import policy_file, report
from backup.cli.common import FAILED, FINDINGS, ProgressLine, chosen, config_option, explained, policy_option
from backup.status import Verdict
from backup.verify import verify_policy

CODES = {Verdict.PASSED: 0, Verdict.FAILED: FINDINGS, Verdict.SKIPPED: FINDINGS}


@click.command()
@config_option
@policy_option
@click.option("--repository", "repository_name", type=click.Choice(["local", "offsite"]), default="local")
@explained
def verify(config_path: Path, policy_name: str | None, repository_name: str) -> int:
    """Restore the newest backup into a scratch place and compare it with the original's manifest."""
    config = policy_file.load(config_path)
    codes = []
    for policy in chosen(config, policy_name):
        with ProgressLine() as line:
            proof = verify_policy(config, policy, repository_name, show=line.show)
        click.echo(report.verification_lines(proof))
        codes.append(CODES.get(proof.verdict, FAILED))
    return max(codes)
