"""The keeper's commands as a person and systemd run them."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from backup.errors import BackupError
from backup.keeper import config as keeper_config
from backup.keeper import memory
from backup.night.recorder import now_utc
from backup.status import Anomaly, Outcome, RepositoryState, read_repositories, write_repository
from tests.backup.clinic_host import ClinicHost, run
from tests.keeper.keeper_host import Keepers

CHECKOUT = Path(__file__).parents[2]


def xinglin(keepers: Keepers, *arguments: str) -> subprocess.CompletedProcess[str]:
    config = ["--config", str(keepers.config_path("offsite"))]
    command = [sys.executable, "xinglin.py", "backup", *arguments, *config]
    environment = os.environ | {"SUDO_USER": "li"}
    return subprocess.run(
        command, cwd=CHECKOUT, capture_output=True, text=True, timeout=300, check=False, env=environment
    )


def test_from_a_quiet_round_to_a_decision(host: ClinicHost) -> None:
    keepers = Keepers(host)
    run(host.with_files())
    config = keepers.configure("offsite")
    assert "never kept" in xinglin(keepers, "repositories").stdout
    done = xinglin(keepers, "keep")
    assert done.returncode == 0, done.stderr
    assert "his1 (offsite): success, 1 sets" in done.stdout
    assert xinglin(keepers, "decide", "--host", "his1").stdout == "nothing waits for a decision\n"
    path = config.memories / "his1.json"
    odd = Anomaly("mass_change", "his", "ab" * 32, now_utc(), "6000 of 20001 files")
    memory.write(path, replace(memory.read(path), anomalies=(odd,), paused_since=now_utc()))
    paused = xinglin(keepers, "keep")
    assert paused.returncode == 1
    assert "retention paused since" in paused.stdout
    shown = xinglin(keepers, "decide", "--host", "his1")
    assert shown.returncode == 1
    assert "6000 of 20001 files" in shown.stdout
    assert "Very many files changed in one night [mass_change]" in shown.stdout
    decided = xinglin(keepers, "decide", "--host", "his1", "--reason", "年度归档")
    assert (decided.returncode, decided.stdout.splitlines()[-1]) == (0, "decided by li: 年度归档")
    (choice,) = memory.read(path).choices
    assert (choice.who, choice.reason, choice.anomalies) == ("li", "年度归档", (odd,))
    (state,) = read_repositories(config.repositories)
    assert (state.paused_since, state.anomalies) == (None, ())
    told = json.loads(xinglin(keepers, "repositories", "--json").stdout)
    assert told["repositories"][0]["host"] == "his1"
    assert told["never_kept"] == []
    watched = xinglin(keepers, "watch", "--no-journal")
    assert watched.returncode == 0, watched.stderr
    assert "no ballast" in watched.stdout


def test_another_users_repositories_are_not_touched(host: ClinicHost) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to give a directory away")
    keepers = Keepers(host)
    config = keepers.configure("offsite")
    os.chown(config.directory, 65534, 65534)
    refused = xinglin(keepers, "keep")
    assert refused.returncode == 3
    assert "This must run as another user [wrong_user]" in refused.stderr
    assert "systemctl start xinglin-keeper" in refused.stderr


def test_an_unknown_host_is_wrong_usage(host: ClinicHost) -> None:
    keepers = Keepers(host)
    config = keepers.configure("offsite")
    assert xinglin(keepers, "decide", "--host", "pacs1").returncode == 2
    good = RepositoryState("vault1", "his1", "offsite", now_utc(), outcome=Outcome.SUCCESS)
    write_repository(config.repositories, good)
    assert xinglin(keepers, "repositories").returncode == 0


def test_every_mistake_in_the_configuration_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "keeper.json"
    path.write_text(
        json.dumps(
            {
                "server": "vault1",
                "kind": "remote",
                "directory": "repository",
                "hosts": {"his1": {"policies": {"his": {"keep_last": "7"}}, "other": {"url": "https://u:p@h/x"}}},
                "password_file": "/a",
                "ca": "/b",
                "state_directory": "/c",
                "cache_directory": "/d",
                "ballast_bytes": -1,
                "timezone": "Asia/Shanghai",
            }
        )
    )
    with pytest.raises(BackupError) as caught:
        keeper_config.load(path)
    detail = caught.value.cause.detail
    for part in (
        "keeper.kind",
        "keeper.directory",
        "hosts.his1.policies.his",
        "hosts.his1.other.user",
        "ballast_bytes",
    ):
        assert part in detail
    assert "u:p" not in detail
