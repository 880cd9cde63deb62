"""`xinglin test`: every check of the project, in the order in which a failure is cheapest."""

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import click

from tests.lab import prerequisites
from tests.lab.errors import LabError
from tests.lab.progress import step

CHECKOUT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Stage:
    """A named part of the tests and the commands it consists of."""

    name: str
    commands: tuple[tuple[str, ...], ...]


def _pytest(marks: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "pytest", "-q", "-m", marks)


STAGES = (
    Stage(
        "lint",
        (
            ("ruff", "check", "."),
            ("ruff", "format", "--check", "."),
            ("shellcheck", "xinglin", ".ci/run"),
            ("ansible-lint", "--offline", "--profile", "production", "--strict", "playbooks"),
        ),
    ),
    Stage("types", (("mypy",),)),
    # Side by side, a file at a time: most of these tests wait for a server or a restic.
    Stage("unit", ((*_pytest("not lab and not browser and not bench"), "--numprocesses=logical", "--dist=loadfile"),)),
    Stage("browser", (_pytest("browser"),)),
    Stage("lab", (_pytest("lab"),)),
    Stage("bench", (_pytest("bench"),)),
)


@click.command()
@click.argument("stages", nargs=-1, type=click.Choice([stage.name for stage in STAGES]))
def test(stages: tuple[str, ...]) -> None:
    """Run lint, types, unit, browser, lab and bench tests, or only the STAGES named."""
    _prepare()
    failed: list[str] = []
    timings: list[str] = []
    for stage in STAGES:
        if stages and stage.name not in stages:
            continue
        began = time.monotonic()
        for command in stage.commands:
            click.echo(f"\n== {stage.name}: {' '.join(Path(part).name for part in command)}", err=True)
            if subprocess.run(command, cwd=CHECKOUT, check=False).returncode != 0 and stage.name not in failed:
                failed.append(stage.name)
        timings.append(f"{stage.name} {time.monotonic() - began:.0f} s")
    click.echo(f"\n{' · '.join(timings)}", err=True)
    if failed:
        click.echo(f"failed: {', '.join(failed)}", err=True)
        sys.exit(1)


def _prepare() -> None:
    """Install what the tests need; without root say what is missing and run the rest."""
    packages = prerequisites.missing_packages({**prerequisites.LAB_PROGRAMS, **prerequisites.TEST_PROGRAMS})
    if not packages and prerequisites.fonts_missing():
        packages = ["fonts-noto-cjk"]
    unmet = prerequisites.unmet()
    for missing in unmet:
        click.echo(str(missing), err=True)
    if packages and not unmet:
        try:
            with step(f"install Debian packages: {', '.join(packages)}"):
                prerequisites.install([*packages, "fonts-noto-cjk"])
        except LabError as error:
            click.echo(f"xinglin: {error}", err=True)
            sys.exit(3)
