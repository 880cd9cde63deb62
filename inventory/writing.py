"""The text of a new facility's files, from the answers."""

import datetime as dt
import json

import yaml

from inventory.answers import Answers
from inventory.files import OPERATOR_KEY, SCHEMA, VAULT_PASSWORD
from inventory.schema.facility import FacilityVariables
from inventory.schema.host import GROUPS

OWNER = "信息科"
BACKUP_RECORDS = [f"/var/lib/xinglin/backup/{kind}" for kind in ("runs", "verifications", "restores", "repositories")]

COMMENTS = {
    "operator": "The account that runs the playbooks; its private key lies in this directory and is not committed.",
    "zones": "Security zones (安全区域).",
    "services": "Services beside the built-in ones: ssh, agent, console, repository, apt-cache, ntp, nut, snmp,"
    " snmp-trap.",
    "ups": "UPSes (不间断电源), and the order in which the hosts they feed go down when the battery runs out.",
    "devices": "Devices without an agent: switches, printers, sensors, cameras, medical devices.",
    "flows": "Who may start a connection to whom; nothing else passes. A name means the host, else the group, else the"
    " zone.",
    "mlps_systems": "Graded systems (定级对象).",
    "backup_copies": "Further copies that the appliance makes: disks that take turns, a partner's SFTP server, S3.",
    "retention": "How long the console keeps its records.",
    "apt_mirrors": "The hosts' package source by way of the appliance; null leaves their own sources.",
}


def hosts_text(answers: Answers) -> str:
    """Return hosts.yml: a standard Ansible inventory."""
    hosts: dict[str, dict[str, object]] = {}
    for host in answers.hosts:
        label = {"name_zh": host.name_zh} if host.name_zh else {}
        hosts[host.name] = {"ansible_host": host.address, "zone": host.zone, "debian": host.debian, **label}
    members = {group: [host.name for host in answers.hosts if group in host.groups] for group in GROUPS}
    tree = {
        "vars": {
            "ansible_user": "{{ operator.user }}",
            "ansible_ssh_private_key_file": "{{ inventory_dir }}/{{ operator.key }}",
            "ansible_python_interpreter": "/usr/bin/python3",
        },
        "hosts": hosts,
        "children": {group: {"hosts": dict.fromkeys(names)} for group, names in members.items() if names},
    }
    return f"# The managed hosts of {answers.facility.name_zh}: a standard Ansible inventory.\n{_dump({'all': tree})}"


def variables_text(answers: Answers, review_by: dt.date) -> str:
    """Return group_vars/all/facility.yml, with flows and backup policies for the groups that have hosts."""
    sections = {
        "facility": {**answers.facility.model_dump(), "demo_data": False},
        "operator": {"user": answers.operator.user, "key": OPERATOR_KEY},
        "zones": [zone.model_dump() for zone in answers.zones],
        "services": {},
        "flows": _flows(answers, review_by),
        "mlps_systems": _systems(answers),
        "backup_policies": _policies(answers),
        "backup_copies": [],
        "contacts": [],
        "notification_routes": [],
        "mail_server": None,
        "ups": [],
        "shutdown_stages": [],
        "return_checks": [],
        "devices": [],
        "access_points": [],
        "gateways": [],
        "retention": {"audit_log_days": 180, "metrics_days": 90, "runs_days": 365},
        "apt_mirrors": {"debian": None},
    }
    text = f"# yaml-language-server: $schema=../../{SCHEMA}\n"
    text += f"# Everything about {answers.facility.name_zh} that is not a host. `xinglin check` says what is allowed.\n"
    for name, value in sections.items():
        comment = f"\n# {COMMENTS[name]}\n" if name in COMMENTS else "\n"
        text += comment + _dump({name: value})
    return text


def ignore_text() -> str:
    """Return .gitignore: what must never be committed; vault.yml is encrypted and belongs into the history."""
    return f"/{VAULT_PASSWORD}\n/{OPERATOR_KEY}\n/first-contact.yml\n/.runs/\n/.wheelhouse/\n"


def schema_text() -> str:
    """Return the JSON Schema of facility.yml for editors."""
    return json.dumps(FacilityVariables.model_json_schema(), ensure_ascii=False, indent=1) + "\n"


def _names(answers: Answers, *groups: str) -> list[str]:
    return [host.name for host in answers.hosts if set(host.groups) & set(groups)]


def _flows(answers: Answers, review_by: dt.date) -> list[dict[str, object]]:
    people = "mgmt" if any(zone.name == "mgmt" for zone in answers.zones) else _appliance_zone(answers)
    rows = [
        (people, "all", "ssh", "运维人员登录主机"),
        (people, "appliance", "console", "信息科与运维外包查看控制台"),
        ("appliance", "all", "ssh", "一体机按配置部署各主机"),
        ("appliance", "all", "agent", "控制台采集主机状态"),
        ("all", "appliance", "console", "主机从一体机取得安装包"),
        ("all", "appliance", "apt-cache", "主机经一体机缓存更新系统"),
        ("all", "appliance", "ntp", "全院统一时间源"),
        ("all", "appliance", "repository", "每晚本地备份"),
    ]
    if _names(answers, "offsite"):
        sources = [group for group in ("appliance", "his_database") if _names(answers, group)]
        rows += [(group, "offsite", "repository", "备份复制到异地库") for group in sources]
    keys = ("from", "to", "service", "why")
    return [{**dict(zip(keys, row, strict=True)), "owner": OWNER, "review_by": review_by} for row in rows]


def _appliance_zone(answers: Answers) -> str:
    zones = [host.zone for host in answers.hosts if "appliance" in host.groups]
    return (zones or [answers.zones[0].name])[0]


def _systems(answers: Answers) -> list[dict[str, object]]:
    hosts = _names(answers, "his_database", "his_application")
    system: dict[str, object] = {
        "name": "HIS",
        "name_zh": "医院信息系统",
        "level": answers.facility.mlps_level,
        "hosts": hosts,
    }
    return [system] if hosts else []


def _policies(answers: Answers) -> list[dict[str, object]]:
    policies = []
    if databases := _names(answers, "his_database"):
        sources: list[dict[str, object]] = [{"postgresql": {"database": "his"}}, {"paths": ["/etc"], "excludes": []}]
        policies.append(_policy("his", databases, "02:00", sources, rto_hours=4))
    if appliance := _names(answers, "appliance"):
        sources = [
            {"sqlite": {"path": "/var/lib/xinglin/console/console.db"}},
            {"paths": ["/etc/xinglin", "/var/lib/xinglin/console/audit", *BACKUP_RECORDS]},
        ]
        policies.append(_policy("appliance", appliance, "03:00", sources, rto_hours=8))
    return policies


def _policy(
    name: str, hosts: list[str], schedule: str, sources: list[dict[str, object]], *, rto_hours: int
) -> dict[str, object]:
    return {
        "name": name,
        "hosts": hosts,
        "schedule": schedule,
        "sources": sources,
        "rpo_hours": 24,
        "rto_hours": rto_hours,
        "retention": {"keep_within": "30d", "keep_within_weekly": "90d", "keep_within_monthly": "2y"},
    }


class _Dumper(yaml.SafeDumper):
    """Text that looks like a time of day is quoted, so that a person who edits it keeps the quotes."""

    def ignore_aliases(self, _data: object) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    clock = len(value) == 5 and value[2] == ":"
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style='"' if clock else None)


_Dumper.add_representer(str, _text)


def _dump(data: object) -> str:
    text: str = yaml.dump(data, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=110)
    return text
