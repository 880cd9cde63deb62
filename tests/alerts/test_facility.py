"""The role console tells the worker what alerts need: who tells events, which UPS feeds whom, what is asked."""

from pathlib import Path

from console.alerts.topology import facility_objects
from console.config import load_config
from tests.playbooks.rendered import render

OTHER = {
    "devices": [
        {"name": "cam-gate", "name_zh": "大门摄像机", "kind": "camera", "address": "198.18.0.210", "zone": "staff",
         "tcp": 554},
    ],
    "access_points": [
        {"name": "ap-ward", "name_zh": "住院部", "platform": "openwrt", "address": "198.18.0.141", "zone": "mgmt",
         "snmp": {"version": "v2c", "community": "vault_nut_secret"}},
        {"name": "ap-hall", "name_zh": "门诊大厅", "platform": "openwrt", "address": "198.18.0.140", "zone": "mgmt"},
    ],
}  # fmt: skip


def test_the_worker_knows_the_ups_the_stages_the_devices_and_who_tells_events(tmp_path: Path) -> None:
    text = render(tmp_path / "rendered", ["console"], other=OTHER)["appliance1"]["console/console.json"]
    path = tmp_path / "console.json"
    path.write_text(text, encoding="utf-8")
    config = load_config(path, {})
    assert [host.name for host in config.hosts if host.events] == ["appliance1"]
    assert [(ups.name, ups.powers) for ups in config.power.ups] == [("rack-ups", ("appliance1", "his1", "ws1"))]
    assert [stage.name for stage in config.power.stages] == ["workstations", "his", "appliance"]
    assert [(one.name, one.kind) for one in config.devices] == [("cam-gate", "camera"), ("ap-ward", "access_point")]
    objects = facility_objects(config)
    assert objects.readers["device"] == {"cam-gate": "appliance1", "ap-ward": "appliance1"}
    assert objects.name("ups", "rack-ups") == "机柜 UPS (rack-ups)"
