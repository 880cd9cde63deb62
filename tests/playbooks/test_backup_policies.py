"""What of the facility's policies reaches a host's own configuration, and in which form."""

from typing import Any

from playbooks.filter_plugins.backup import own_backup_policies, saved_devices, smb_credentials

DEVICES: list[dict[str, Any]] = [
    {"name": "gw1", "platform": "openwrt", "address": "198.18.0.129", "host_key": "ssh-ed25519 AAAA"},
    {
        "name": "ap-ward",
        "platform": "openwrt",
        "address": "198.18.0.141",
        "login": "backup",
        "host_key": "ssh-ed25519 B",
    },
]
POLICIES: list[dict[str, Any]] = [
    {"name": "his", "hosts": ["his1"], "sources": [{"paths": ["/etc"]}]},
    {
        "name": "office",
        "hosts": ["appliance1"],
        "sources": [
            {"paths": ["/srv"]},
            {"smb": {"share": "//198.18.0.200/公共", "user": "backup", "secret": "vault_smb_office"}},
            {"devices": ["ap-ward"]},
        ],
    },
]


def test_a_host_gets_its_own_policies_only():
    assert own_backup_policies(POLICIES, "his1") == [POLICIES[0]]
    assert own_backup_policies(POLICIES, "vault1") == []


def test_a_share_is_read_with_a_file_of_credentials_and_the_policy_names_no_secret():
    share = own_backup_policies(POLICIES, "appliance1", DEVICES)[0]["sources"][1]
    path = "/etc/xinglin/secrets/smb-office-1.credentials"
    assert share == {"smb": {"share": "//198.18.0.200/公共", "credentials_file": path}}
    assert smb_credentials(POLICIES, "appliance1") == [
        {"path": path, "user": "backup", "domain": "", "secret": "vault_smb_office"}
    ]
    assert smb_credentials(POLICIES, "his1") == []


def test_a_device_is_known_by_its_address_login_and_the_hosts_key():
    (device,) = own_backup_policies(POLICIES, "appliance1", DEVICES)[0]["sources"][2]["devices"]
    assert (device["name"], device["address"], device["user"]) == ("ap-ward", "198.18.0.141", "backup")
    assert saved_devices(POLICIES, "appliance1", DEVICES) == [DEVICES[1]]
    assert saved_devices(POLICIES, "his1", DEVICES) == []
