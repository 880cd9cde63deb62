"""``xinglin compliance``: read the catalogue, judge gathered facts."""

import json
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from compliance.assessment import Assessment, assess
from compliance.catalogue import Automation, load_catalogue
from compliance.judge import judge
from compliance.report import result_data
from compliance.results import ItemResult, Verdict
from compliance.texts import render

LEVEL = click.Choice(["2", "3"])
LOCALE = "zh_CN"


@click.group()
def compliance() -> None:
    """Read the MLPS catalogue; judge gathered facts."""


@compliance.command()
@click.option("--level", type=LEVEL, help="Only this level; both when left out.")
def catalogue(level: str | None) -> None:
    """Show the catalogue's requirements: how many per layer, and every item of a level."""
    found = load_catalogue()
    for each in (2, 3) if level is None else (int(level),):
        general, every = found.at(each, mobile=False), found.at(each)
        click.echo(
            f"等级 {each} · level {each}: {len(general)} + {len(every) - len(general)} (移动互联 mobile extension)"
        )
        layers = Counter(requirement.layer for requirement in general)
        automatic = Counter(r.layer for r in general if r.automation is Automation.AUTO)
        for layer in found.layers:
            click.echo(f"  {layer.code} {layer.name}  {layers[layer.name]:3d}  (auto {automatic[layer.name]})")
        if level is not None:
            for requirement in every:
                click.echo(
                    f"{requirement.id:<12} {requirement.automation:<6} {requirement.control_point} "
                    f"{requirement.requirement_zh} | {requirement.gloss_en}"
                )


@compliance.command("judge")
@click.argument("facts", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--level", type=LEVEL, default="2", show_default=True, help="Level of the system on this host.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON, in both languages.")
def judge_command(facts: Path, level: str, *, as_json: bool) -> None:
    """Judge FACTS (facts.json, or the agent's /facts answer).  Exits 1 when something is open."""
    results = judge(_read(facts), int(level), datetime.now(UTC))
    state = assess(results, int(level), load_catalogue())
    if as_json:
        click.echo(json.dumps(_report(results, state), ensure_ascii=False, indent=1))
    else:
        _print(results, state)
    sys.exit(any(r.verdict in (Verdict.NONCOMPLIANT, Verdict.PARTIAL, Verdict.UNTESTED) for r in results))


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if "facts" in document and "probes" not in document:
            document = document["facts"]
        probes = list(document["probes"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise click.UsageError(
            f"{path}: not a facts file ({type(error).__name__}: {error}). "
            "Next: gather one with “xinglin agent gather --output FILE” on the host."
        ) from error
    return {**document, "probes": probes}


def _report(results: tuple[ItemResult, ...], state: Assessment) -> dict[str, Any]:
    rates = state.rates
    return {
        "schema": 1,
        "level": state.level,
        "label": render(state.label, LOCALE),
        "results": [result_data(result) for result in results],
        "rates": {
            "applicable": rates.applicable,
            "strict": [rates.strict.low, rates.strict.high],
            "half": [rates.half.low, rates.half.high],
            "untested_share": rates.untested_share,
        },
        "high_risk": {case: list(hosts) for case, hosts in state.high_risk.items()},
        "major_risks": list(state.major_risks),
        "forecast": {"worst": state.worst.value, "best": state.best.value},
    }


def _print(results: tuple[ItemResult, ...], state: Assessment) -> None:
    requirements = load_catalogue().requirements
    for result in results:
        risk = f"  高风险 {', '.join(result.high_risk)}" if result.high_risk else ""
        click.echo(
            f"{result.verdict.value}  {result.requirement}  {requirements[result.requirement].requirement_zh}{risk}"
        )
        for finding in result.findings:
            click.echo(f"    {finding.outcome.verdict.value}  {render(finding.outcome.text, LOCALE)}")
        if result.verdict is not Verdict.COMPLIANT:
            click.echo(f"    影响：{render(result.meaning, LOCALE)}")
            click.echo(f"    下一步：{render(result.next_step, LOCALE)}")
    counts = Counter(result.verdict for result in results)
    click.echo("本机：" + "，".join(f"{verdict.value} {counts[verdict]}" for verdict in Verdict if counts[verdict]))
    rates = state.rates
    click.echo(
        f"全部 {rates.applicable} 项：符合率 {rates.strict.low:.1%}–{rates.strict.high:.1%}，"
        f"未测 {rates.untested_share:.1%}。{render(state.label, LOCALE)}"
    )
