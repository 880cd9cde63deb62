"""One change to the example, one mistake: its line, its key, what it says is wrong and allowed."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from inventory.loader import FacilityError, load_facility
from inventory.mistakes import Mistake

HOSTS = "hosts.yml"
FACILITY = "group_vars/all/facility.yml"


@dataclass(frozen=True)
class Case:
    """Replace ``old`` by ``new``; the mistake is expected at ``line``, else ``below`` lines under ``old``."""

    title: str
    file: str
    old: str
    new: str
    key: str
    problem: str
    allowed: str
    below: int = 0
    line: int | None = None  # 0: not looked at
    others: tuple[str, ...] = ()  # what else this one change makes wrong, as "key: problem"


CASES = (
    Case(
        "an unknown key names the nearest one",
        FACILITY,
        "  locale: zh_CN",
        "  locale: zh_CN\n  name_hz: 清河",
        "facility.name_hz",
        "unknown key",
        "did you mean name_zh? One of: demo_data, id, locale",
        below=1,
    ),
    Case(
        "a duplicate address names its other owner",
        HOSTS,
        "ansible_host: 198.18.0.11",
        "ansible_host: 198.18.0.10",
        "all.hosts.his1.ansible_host",
        "198.18.0.10 is the address of appliance1 too",
        "an address of its own",
    ),
    Case(
        "an address outside its zone names the zone it would fit",
        HOSTS,
        "ansible_host: 198.18.0.11",
        "ansible_host: 198.18.0.71",
        "all.hosts.his1.ansible_host",
        "198.18.0.71 is not a usable address of zone servers, 198.18.0.0/26",
        "198.18.0.1 to 198.18.0.62; or zone: offsite",
    ),
    Case(
        "a network's own address is no host's",
        HOSTS,
        "ansible_host: 198.18.0.11",
        "ansible_host: 198.18.0.63",
        "all.hosts.his1.ansible_host",
        "is not a usable address",
        "198.18.0.1 to 198.18.0.62",
    ),
    Case(
        "overlapping zones name each other",
        FACILITY,
        "cidr: 198.18.0.64/26",
        "cidr: 198.18.0.64/25",
        "zones[1].cidr",
        "'198.18.0.64/25' is not the first address",
        "198.18.0.0/25",
    ),
    Case(
        "a cron line is no time of day",
        FACILITY,
        'schedule: "03:00"',
        'schedule: "0 3 * * *"',
        "backup_policies[1].schedule",
        "'0 3 * * *' is not a time of day",
        '"HH:MM" in quotes',
    ),
    Case(
        "an unquoted time that YAML 1.1 reads as a number is explained",
        FACILITY,
        'schedule: "03:00"',
        "schedule: 23:30",
        "backup_policies[1].schedule",
        "1410 is a number, as 23:30 without quotes is in YAML",
        'write "23:30"',
    ),
    Case(
        "two backups a day still leave a gap",
        FACILITY,
        "    rpo_hours: 24\n    rto_hours: 4\n",
        '    rpo_hours: 8\n    rto_hours: 4\n    also_at: ["12:00"]\n',
        "backup_policies[0].rpo_hours",
        "2 backups a day, up to 14 h apart, can't lose less than 14 hours, 8 is asked for",
        "14 or more, or further times in also_at",
    ),
    Case(
        "a source is one thing",
        FACILITY,
        "      - postgresql: {database: his",
        "      - sqlite: {path: /srv/his.db}\n        postgresql: {database: his",
        "backup_policies[0].sources[0]",
        "a source has 2 kinds",
        "exactly one of postgresql, mariadb, sqlite, orthanc, smb, devices, paths",
    ),
    Case(
        "a count of snapshots is no retention",
        FACILITY,
        "    rto_hours: 8\n    retention: {keep_within: 30d",
        "    rto_hours: 8\n    retention: {keep_within: 30d, keep_daily: 30",
        "backup_policies[1].retention.keep_daily",
        "unknown key",
        "keep_within_daily",
        below=1,
    ),
    Case(
        "a device that is saved has to be known by its host key",
        FACILITY,
        "      - paths: [/etc]\n",
        "      - devices: [gw1]\n      - paths: [/etc]\n",
        "backup_policies[0].sources[1].devices[0]",
        "device gw1 has no host_key",
        "as ssh-keyscan prints it",
    ),
    Case(
        "a hook is a program with its path, no shell line",
        FACILITY,
        "    rpo_hours: 24\n    rto_hours: 4\n",
        "    hooks: {before: [[systemctl, stop, his]]}\n    rpo_hours: 24\n    rto_hours: 4\n",
        "backup_policies[0]",
        "the program 'systemctl' has no absolute path",
        "/usr/bin/systemctl",
        below=-7,
    ),
    Case(
        "an unknown time zone names the nearest one",
        FACILITY,
        "timezone: Asia/Shanghai",
        "timezone: Asia/Shangai",
        "facility.timezone",
        "'Asia/Shangai' is not a time zone",
        "did you mean Asia/Shanghai?",
    ),
    Case(
        "a host without a zone",
        HOSTS,
        "      ansible_host: 198.18.0.11\n      zone: servers\n",
        "      ansible_host: 198.18.0.11\n",
        "all.hosts.his1.zone",
        "is missing",
        "one of the zones",
        below=-1,
    ),
    Case(
        "no appliance",
        HOSTS,
        "    appliance:\n      hosts:\n        appliance1:\n",
        "    pacs:\n      hosts:\n        appliance1:\n",
        "all.children.appliance",
        "no host is the appliance",
        "exactly one",
        below=-1,
    ),
    Case(
        "a HIS database that nobody saves",
        FACILITY,
        "      - postgresql: {database: his, point_in_time: true}\n",
        "",
        "backup_policies",
        "no backup policy saves the database of his1",
        "hosts: [his1]",
        below=-5,
    ),
    Case(
        "a missing section",
        FACILITY,
        "apt_mirrors:\n  debian: null\n",
        "",
        "apt_mirrors",
        "is missing",
        "{debian: URL or null}",
        line=2,
    ),
    Case(
        "a vault variable that nobody defines",
        HOSTS,
        "    ansible_python_interpreter: /usr/bin/python3",
        '    ansible_become_password: "{{ vault_sudo }}"',
        "all.vars.ansible_become_password",
        "unknown vault variable vault_sudo",
        "one of: vault_backup_http_secret",
    ),
    Case(
        "a password in a plain file is refused and not shown",
        HOSTS,
        "    ansible_python_interpreter: /usr/bin/python3",
        "    ansible_password: Kx7-very-own",
        "all.vars.ansible_password",
        "a password is in a plain file",
        "{{ vault_NAME }}",
    ),
    Case(
        "a host described twice",
        HOSTS,
        "    his_database:\n      hosts:\n        his1:\n",
        "    his_database:\n      hosts:\n        his1: {debian: 12}\n",
        "all.children.his_database.hosts.his1",
        "host his1 is already described on line 15",
        "in one place",
        below=2,
    ),
    Case(
        "a flow to a group without hosts",
        FACILITY,
        "{from: staff, to: his_application,",
        "{from: staff, to: pacs,",
        "flows[10].to",
        "unknown host, group or zone pacs",
        "one of: all, appliance, appliance1, his1",
    ),
    Case(
        "a system graded above the facility",
        FACILITY,
        "name_zh: 医院信息系统, level: 2",
        "name_zh: 医院信息系统, level: 3",
        "mlps_systems[0].level",
        "level 3 is above the facility's mlps_level 2",
        "facility.mlps_level: 3",
    ),
    Case(
        "records kept shorter than the law says",
        FACILITY,
        "audit_log_days: 180",
        "audit_log_days: 90",
        "retention.audit_log_days",
        "90 is not allowed",
        "180 or more",
    ),
    Case(
        "a powered host that no stage takes down",
        FACILITY,
        "hosts: [ws1], below_seconds",
        "hosts: [vault1], below_seconds",
        "ups[0].powers[2]",
        "host ws1 is in none of the shutdown_stages",
        "a stage for each powered host",
        below=-4,
        others=("shutdown_stages: host vault1 is in a stage, but no UPS powers it",),
    ),
    Case(
        "what a UPS powers is neither a host nor a device",
        FACILITY,
        "powers: [appliance1, his1, ws1]",
        "powers: [appliance1, his1, ws1, nas9]",
        "ups[0].powers[3]",
        "unknown host or device nas9",
        "",
        others=("ups[0].powers[3]: host nas9 is in none of the shutdown_stages",),
    ),
    Case(
        "a stage that begins too late for those after it",
        FACILITY,
        "below_seconds: 600, takes_seconds: 60",
        "below_seconds: 110, takes_seconds: 60",
        "shutdown_stages[1].below_seconds",
        "110 s leave no time for the shutdown",
        "more than 120",
    ),
    Case(
        "the UPS's own host is the last to go",
        FACILITY,
        "connected_to: appliance1, powers",
        "connected_to: his1, powers",
        "ups[0].powers[1]",
        "host his1 runs the UPS rack-ups and goes too early",
        "in the last stage",
    ),
    Case(
        "a simulated UPS in a real clinic",
        FACILITY,
        "demo_data: true",
        "demo_data: false",
        "ups[0].driver",
        "a simulated UPS in a real clinic",
        "snmp or usb",
        line=0,
    ),
    Case(
        "an e-mail route without a mail server",
        FACILITY,
        "notification_routes: []",
        "notification_routes: [{name: urgent, channel: email, severities: [crit], contacts: [ops]}]",
        "notification_routes[0].channel",
        "an e-mail route, but there is no mail_server",
        "a mail_server",
    ),
    Case(
        "an e-mail route to a contact without an address",
        FACILITY,
        "notification_routes: []\n",
        "notification_routes: [{name: desk, channel: email, severities: [warn], contacts: [reception]}]\n",
        "notification_routes[0].contacts[0]",
        "contact reception has no e-mail address",
        "email: ADDRESS for reception",
        others=("notification_routes[0].channel: an e-mail route, but there is no mail_server",),
    ),
    Case(
        "SNMP v3 with half of its secrets",
        FACILITY,
        "devices: []",
        "devices: [{name: sw, name_zh: 交换机, kind: switch, address: 198.18.0.150, zone: mgmt,"
        " snmp: {version: v3, user: x, auth_key: vault_a}}]",
        "devices[0].snmp",
        "SNMP v3 needs user, auth_key and privacy_key",
        "{version: v3, user: NAME",
        others=("devices[0].snmp.auth_key: unknown vault variable vault_a",),
    ),
    Case(
        "a key used twice in one mapping",
        FACILITY,
        "  metrics_days: 90",
        "  metrics_days: 90\n  metrics_days: 91",
        "retention.metrics_days",
        "the key is already on line",
        "each key once",
        below=1,
    ),
    Case(
        "an anchor that contains itself",
        FACILITY,
        "zones: [servers, offsite, mgmt, staff]",
        "zones: &every [servers, offsite, mgmt, *every]",
        "gateways[0].zones[3]",
        "an alias contains itself",
        "written out",
    ),
)


def mistakes(directory: Path) -> tuple[Mistake, ...]:
    with pytest.raises(FacilityError) as caught:
        load_facility(directory)
    return caught.value.mistakes


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_mistake_is_answered_with_its_line_and_what_is_allowed(case: Case, clinic: Path):
    file = clinic / case.file
    text = file.read_text(encoding="utf-8")
    assert text.count(case.old) == 1, "the case must change one place"
    line = text[: text.index(case.old)].count("\n") + 1 + case.below if case.line is None else case.line
    file.write_text(text.replace(case.old, case.new), encoding="utf-8")
    found = mistakes(clinic)
    others = [other for other in found if f"{other.key}: {other.problem}" in case.others]
    assert len(others) == len(case.others), found
    assert len(found) == 1 + len(others), found
    (mistake,) = (one for one in found if one not in others)
    assert (mistake.file, mistake.key) == (file, case.key)
    assert mistake.line == line or not line
    assert case.problem in mistake.problem
    assert case.allowed in mistake.allowed
    assert "Kx7" not in str(mistake)


def test_the_unchanged_example_has_no_mistake(clinic: Path):
    assert load_facility(clinic).id == "qinghe"


def test_a_ups_may_power_a_device_that_goes_down_by_nut_itself(clinic: Path):
    file = clinic / FACILITY
    text = file.read_text(encoding="utf-8")
    for old, new in (
        ("powers: [appliance1, his1, ws1]", "powers: [appliance1, his1, ws1, nas1]"),
        ("hosts: [ws1], below_seconds", "hosts: [ws1, nas1], below_seconds"),
        (
            "\ndevices: []",
            (
                "\ndevices:\n  - {name: nas1, name_zh: 存储, kind: other, address: 198.18.0.20, zone: servers, "
                "mac: 02:00:c6:12:00:14}"
            ),
        ),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")
    assert "nas1" in load_facility(clinic).ups[0].powers
