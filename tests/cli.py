"""`xinglin test`: every check of the project, in the order in which a failure is cheapest."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import click

from console.web import vendor
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


LINT = Stage(
    "lint",
    (
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        ("shellcheck", "xinglin", ".ci/run"),
        ("ansible-lint", "--offline", "--profile", "production", "--strict", "playbooks"),
    ),
)
TYPES = Stage("types", (("mypy",),))
IS_ROOT = os.geteuid() == 0
# A host that boots in the lab beside copies all mounts it finds, and so keeps a disk busy that a test has unmounted.
OWN_MOUNTS = ("unshare", "--mount", "--propagation", "shared") if IS_ROOT else ()
# Side by side, a file at a time: most of these tests wait for a server or a restic.
IN_PARALLEL = ("--numprocesses=logical", "--dist=loadfile")
UNIT = Stage("unit", ((*OWN_MOUNTS, *_pytest("not lab and not browser and not bench"), *IN_PARALLEL),))
# A browser drops its connections whenever an interface comes or goes, as those of the lab beside it do.
OWN_NETWORK = ("unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh") if IS_ROOT else ()
BROWSER = Stage("browser", ((*OWN_NETWORK, *_pytest("browser")),))
LAB = Stage("lab", (_pytest("lab and not disaster"),))
DISASTER = Stage("disaster", (_pytest("disaster"),))
BENCH = Stage("bench", (_pytest("bench"),))
# Rounds follow each other; the lanes of a round run side by side: a lab waits for its hosts most of the time.
ROUNDS = (((LINT, TYPES),), ((UNIT, BROWSER, DISASTER), (LAB,)), ((BENCH,),))
NAMES = [stage.name for lanes in ROUNDS for lane in lanes for stage in lane]


@dataclass(frozen=True)
class Done:
    """How a stage ended, and what it took."""

    name: str
    passed: bool
    seconds: float


@click.command()
@click.argument("stages", nargs=-1, type=click.Choice(NAMES))
def test(stages: tuple[str, ...]) -> None:
    """Run lint, types, unit, browser, disaster, lab and bench tests, or only the STAGES named."""
    _prepare()
    done: list[Done] = []
    for lanes in ROUNDS:
        chosen = [[stage for stage in lane if not stages or stage.name in stages] for lane in lanes]
        first, *others = [lane for lane in chosen if lane] or [[]]
        with ThreadPoolExecutor() as pool:
            beside = [pool.submit(_run_aside, lane) for lane in others]
            done += [_run(stage, None) for stage in first]
            for lane in beside:
                done += lane.result()
    click.echo("\n" + " · ".join(f"{one.name} {one.seconds:.0f} s" for one in done), err=True)
    if failed := [one.name for one in done if not one.passed]:
        click.echo(f"failed: {', '.join(failed)}", err=True)
        sys.exit(1)


def _run(stage: Stage, output: IO[bytes] | None) -> Done:
    """Run a stage's commands, all of them; ``output`` takes what they print instead of the terminal."""
    began, passed = time.monotonic(), True
    for command in stage.commands:
        heading = f"\n== {stage.name}: {' '.join(Path(part).name for part in command)}\n"
        if output is None:
            click.echo(heading, err=True, nl=False)
        else:
            output.write(heading.encode())
            output.flush()
        finished = subprocess.run(command, cwd=CHECKOUT, check=False, stdout=output, stderr=output)
        passed = passed and finished.returncode == 0
    return Done(stage.name, passed, time.monotonic() - began)


def _run_aside(lane: Sequence[Stage]) -> list[Done]:
    """Run a lane beside another; what it prints comes as a whole when it has ended."""
    with tempfile.TemporaryFile() as output:
        done = [_run(stage, output) for stage in lane]
        output.seek(0)
        with click.open_file("-", "wb") as terminal:
            shutil.copyfileobj(output, terminal)
    return done


def _prepare() -> None:
    """Install what the tests need; without root say what is missing and run the rest."""
    packages = prerequisites.missing_packages({**prerequisites.LAB_PROGRAMS, **prerequisites.TEST_PROGRAMS})
    if not packages and prerequisites.fonts_missing():
        packages = ["fonts-noto-cjk"]
    unmet = prerequisites.unmet()
    for missing in unmet:
        click.echo(str(missing), err=True)
    try:
        if packages and not unmet:
            with step(f"install Debian packages: {', '.join(packages)}"):
                prerequisites.install([*packages, "fonts-noto-cjk"])
        vendor.ensure()
    except (LabError, vendor.VendorError) as error:
        click.echo(f"xinglin: {error}", err=True)
        sys.exit(3)
