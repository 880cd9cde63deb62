"""The state of the facility as one document: what ``xinglin status`` prints and other programs read."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from console.alerts.documents import open_documents
from console.alerts.shown import rule_problems
from console.auth.accounts import account_count
from console.config import ConsoleConfig
from console.forecast import restore_forecast
from console.hosts import shown_state
from console.i18n import Text
from console.power.view import UpsView, load_upses
from console.power.words import CONDITION_WORDS
from console.problems import PolicyView, Problem, StoreView, find_problems
from console.rules.platform import HIGH
from console.rules.problem import sort_key
from console.rules.view import RestoreTests
from console.store.backups import WalRow
from console.store.hosts import HostState, State
from console.store.repositories import RepositoryRow, SpaceRow
from console.view import load_view

SCHEMA = 1
CHINESE = "zh_CN"


def status_document(session: Session, config: ConsoleConfig, now: datetime) -> dict[str, Any]:
    """Return the status document (schema 1).  Times are RFC 3339 in UTC, durations seconds."""
    view = load_view(session, config)
    rows = {row.name: row for row in view.hosts}
    problems = sorted([*find_problems(view, now), *rule_problems(session)], key=sort_key)
    return {
        "schema": SCHEMA,
        "facility": {
            "id": config.facility.id,
            "name_zh": config.facility.name_zh,
            "name_en": config.facility.name_en,
            "timezone": config.facility.timezone,
            "mlps_level": config.facility.mlps_level,
        },
        "generated_at": _time(now),
        "hosts": [_host(host.name, rows.get(host.name), now, config) for host in config.hosts],
        "backups": [_backup(policy, now) for policy in view.policies],
        "repositories": [_repository(row) for row in view.repositories],
        "wal": [_wal(row) for row in view.wals],
        "space": [_space(row) for row in view.spaces],
        "recovery_key_opened": _time(view.key_drill.started_at if view.key_drill else None),
        "problems": [_problem(one) for one in problems],
        "ups": [_ups(one) for one in load_upses(session, config, now)],
        "incidents": open_documents(session),
        "compliance": _compliance(view),
        "console": {"url": config.public_url, "accounts": account_count(session)},
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _host(name: str, row: HostState | None, now: datetime, config: ConsoleConfig) -> dict[str, Any]:
    state = State.UNKNOWN if row is None else shown_state(row, now, config.scrape_interval_seconds)
    return {
        "name": name,
        "state": state.value,
        "since": _time(row.since if row else None),
        "last_seen": _time(row.last_seen if row else None),
        "agent_version": row.agent_version if row else None,
    }


def _proof(repository: str, tested: RestoreTests, now: datetime) -> dict[str, Any]:
    newest, passed = tested.newest, tested.passed
    return {
        "standing": tested.standing(repository, now).value,
        "last_test": _time(newest.finished_at if newest else None),
        "last_proved": _time(passed.finished_at if passed else None),
        "rpo_seconds": passed.rpo_seconds if passed else None,
        "rto_seconds": passed.rto_seconds if passed else None,
        "rto_forecast_seconds": passed.rto_forecast_seconds if passed else None,
    }


def _wal(row: WalRow) -> dict[str, Any]:
    return {"host": row.host, "at": _time(row.at), "outcome": row.outcome, "stored_until": row.stored_until}


def _backup(policy: PolicyView, now: datetime) -> dict[str, Any]:
    run, good, offsite = policy.newest_run, policy.last_success, policy.last_offsite
    test, passed = policy.local.newest, policy.local.passed
    target = policy.policy.rto_hours * 3600
    forecast = restore_forecast(policy.proofs, target, now)
    return {
        "host": policy.host,
        "policy": policy.policy.name,
        "last_success": _time(good.finished_at if good else None),
        "last_outcome": run.outcome if run else None,
        "last_restore_test": _time(test.finished_at if test else None),
        "last_verdict": test.verdict if test else None,
        "rpo_seconds": passed.rpo_seconds if passed else None,
        "rto_seconds": passed.rto_seconds if passed else None,
        "last_proved": _time(passed.finished_at if passed else None),
        "proved": policy.is_proved(now),
        "proofs": {kind: _proof(kind, tested, now) for kind, tested in policy.tested.items()},
        "last_offsite": _time(offsite.started_at if offsite else None),
        "rpo_target_seconds": policy.policy.rpo_hours * 3600,
        "rto_target_seconds": target,
        "rto_forecast_seconds": forecast.seconds if forecast else None,
        "rto_target_crossed_at": _time(forecast.crosses_at if forecast else None),
        "append_only": {probe.repository: probe.refused for probe in policy.probes},
    }


def _repository(row: RepositoryRow) -> dict[str, Any]:
    return {
        "host": row.host,
        "server": row.server,
        "kind": row.kind,
        "outcome": row.outcome,
        "kept_at": _time(row.finished_at),
        "newest_set": _time(row.newest_set_at),
        "oldest_set": _time(row.oldest_set_at),
        "sets": row.sets,
        "snapshots": row.snapshots,
        "size_bytes": row.size_bytes,
        "read_through": _time(row.read_through_at),
        "broken_packs": len(row.broken_packs),
        "set_aside": len(row.set_aside),
        "paused_since": _time(row.paused_since),
        "anomalies": sorted({one["code"] for one in row.anomalies}),
    }


def _space(row: SpaceRow) -> dict[str, Any]:
    return {
        "server": row.server,
        "at": _time(row.at),
        "total_bytes": row.total_bytes,
        "free_bytes": row.free_bytes,
        "ballast_bytes": row.ballast_bytes,
        "growth_bytes_per_day": row.growth_bytes_per_day,
        "days_until_full": row.days_until_full,
    }


def _problem(one: Problem) -> Mapping[str, Any]:
    texts = {"title": one.title, "meaning": one.meaning, "next_step": one.next_step}
    spoken = {key: str(text) for key, text in texts.items()}
    spoken |= {f"{key}_zh": text.translate(CHINESE) for key, text in texts.items()}
    return {"severity": one.severity.value, "object": one.object, "since": _time(one.since), **spoken}


def _ups(one: UpsView) -> dict[str, Any]:
    standing, shown = one.standing, one.standing.shown
    words = Text(CONDITION_WORDS[standing.condition])
    return {
        "name": one.ups.name,
        "name_zh": one.ups.name_zh,
        "state": standing.state.value,
        "conditions": list(standing.conditions),
        "condition": str(words),
        "condition_zh": words.translate(CHINESE),
        "since": _time(standing.since),
        "charge_ratio": shown.charge_ratio if shown else None,
        "runtime_seconds": one.runtime.seconds if one.runtime else None,
        "load_ratio": shown.load_ratio if shown else None,
    }


def _compliance(view: StoreView) -> dict[str, Any]:
    judged = [result.judged_at for result in view.assessments]
    return {
        "level": view.config.facility.mlps_level,
        "judged_at": _time(max(judged, default=None)),
        "verdicts": dict(sorted(Counter(result.verdict for result in view.assessments).items())),
        "high_risk": sum(result.risk == HIGH for result in view.assessments),
    }
