"""The role console gives the worker its notification routes, and their secrets in a file of their own."""

import json
from pathlib import Path

import pytest

from console.config import load_config
from console.notifications.plan import MailServer, NotificationRoute
from console.notifications.secrets import load_secrets
from tests.playbooks.rendered import SECRETS, render

OTHER = {
    "contacts": [
        {"name": "it", "name_zh": "信息科", "role_zh": "信息科", "email": "it@qinghe.example"},
        {"name": "door", "name_zh": "门卫", "role_zh": "门卫", "phone": "010 1234"},
    ],
    "notification_routes": [
        {"name": "mail", "channel": "email", "severities": ["crit"], "contacts": ["it", "door"]},
        {"name": "chat", "channel": "apprise", "severities": ["warn", "crit"], "secret": "vault_backup_http_secret"},
        {"name": "desk", "channel": "webhook", "severities": ["crit"], "url": "https://desk.example/x"},
    ],
    "mail_server": {
        "host": "smtp.example", "port": 465, "security": "tls", "sender": "it@qinghe.example",
        "user": "it", "secret": "vault_his_database_password",
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return render(tmp_path_factory.mktemp("rendered"), ["console"], other=OTHER)["appliance1"]


def test_the_worker_reads_its_routes(texts: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "console.json"
    path.write_text(texts["console/console.json"], encoding="utf-8")
    found = load_config(path, {}).notifications
    assert found.routes == (
        NotificationRoute("mail", "email", ("crit",), "", ("it@qinghe.example",)),
        NotificationRoute("chat", "apprise", ("warn", "crit"), "", (), has_secret=True),
        NotificationRoute("desk", "webhook", ("crit",), "https://desk.example/x", ()),
    )
    assert found.mail_server == MailServer("smtp.example", 465, "tls", "it@qinghe.example", "it")


def test_the_secrets_are_in_one_file_that_only_the_worker_is_given(texts: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "notifications.json"
    path.write_text(texts["console/notifications.json"], encoding="utf-8")
    secrets = load_secrets(path)
    assert secrets.routes == {"chat": SECRETS["vault_backup_http_secret"]}
    assert secrets.mail == SECRETS["vault_his_database_password"]
    assert "notifications.json" in texts["console/xinglin-worker.service"]
    others = {name: text for name, text in texts.items() if name != "console/notifications.json"}
    for text in others.values():
        assert not [secret for secret in SECRETS.values() if secret in text]
    assert "notifications.json" not in texts["console/xinglin-console.service"]


def test_a_clinic_without_routes_has_an_empty_file(tmp_path: Path) -> None:
    texts = render(tmp_path, ["console"], other={"notification_routes": [], "mail_server": None})["appliance1"]
    assert json.loads(texts["console/notifications.json"]) == {"routes": {}, "mail": None}
