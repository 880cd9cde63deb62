"""`xinglin console notify test` against a real webhook."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from console.cli import console
from tests.agent.pki import Authority
from tests.console.fixture_config import console_config
from tests.notifications.cloud import CloudStandIn, Given


@pytest.fixture
def receiver(cloud: Callable[[str], CloudStandIn]) -> CloudStandIn:
    server = cloud("hook.test")
    server.given = Given({"code": 0, "msg": "thanks"})
    return server


@pytest.fixture
def run(
    tmp_path: Path, receiver: CloudStandIn, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """Run the command of a clinic with the routes ``desk`` (a webhook) and ``chat`` (without its secret)."""
    config = console_config(tmp_path)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials"))
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials/ca.crt").write_bytes(authority.certificate.read_bytes())
    secrets = {"routes": {"desk": "planted-key"}, "mail": None}
    (tmp_path / "credentials/notifications.json").write_text(json.dumps(secrets), encoding="utf-8")
    routes = [
        {"name": "desk", "channel": "webhook", "severities": ["crit"], "url": receiver.address("/x")},
        {"name": "chat", "channel": "apprise", "severities": ["warn"]},
    ]
    facility = {**vars(config.facility)}
    document = {"facility": facility, "hosts": [], "policies": [], "public_url": config.public_url,
                "state_directory": str(tmp_path / "state"), "notifications": {"routes": routes}}  # fmt: skip
    path = tmp_path / "console.json"
    path.write_text(json.dumps(document), encoding="utf-8")

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(console, ["notify", "test", "--config", str(path), *arguments])

    return invoke


def test_the_providers_answer_is_printed(run: Callable[..., Result], receiver: CloudStandIn, tmp_path: Path):
    done = run("--route", "desk")
    assert (done.exit_code, done.stdout) == (0, "desk: delivered: HTTP 200, code 0: thanks\n")
    (asked,) = receiver.asked
    assert asked.document["messages"][0]["kind"] == "test"
    (log,) = (tmp_path / "state/audit/log").iterdir()
    assert "notification.tested" in log.read_text(encoding="utf-8")


def test_a_route_that_cannot_work_is_a_finding(run: Callable[..., Result]):
    done = run()
    assert done.exit_code == 1
    assert "desk: delivered" in done.stdout
    assert "chat: refused: there is no secret for the route chat. Next: provision" in done.stdout


def test_an_unknown_route_names_those_that_are(run: Callable[..., Result]):
    done = run("--route", "pigeon")
    assert done.exit_code == 2
    assert "desk, chat" in done.output


def test_without_the_secrets_the_next_step_is_named(run: Callable[..., Result], tmp_path: Path):
    (tmp_path / "credentials/notifications.json").unlink()
    done = run()
    assert done.exit_code == 3
    assert "Next: provision the appliance" in done.output
