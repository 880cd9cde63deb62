"""What changed between two readings, as events."""

from dataclasses import replace

from agent.devices.changes import changes
from agent.devices.reading import Contact, DeviceReading, Interface

PORT = Interface("ge1", alias="uplink", enabled=True, up=True)


def test_links():
    up, down = DeviceReading(interfaces=(PORT,)), DeviceReading(interfaces=(replace(PORT, up=False),))
    off = DeviceReading(interfaces=(replace(PORT, up=False, enabled=False),))
    assert changes(up, down) == (("link_down", "ge1 (uplink)"),)
    assert changes(up, off) == (("link_down", "ge1 (uplink), switched off by the administrator"),)
    assert changes(down, up) == (("link_up", "ge1 (uplink)"),)
    assert changes(up, up) == ()


def test_a_port_that_appears_or_whose_state_is_unknown_is_no_change():
    unknown = DeviceReading(interfaces=(replace(PORT, up=None),))
    down = DeviceReading(interfaces=(replace(PORT, up=False),))
    assert changes(DeviceReading(), down) == ()
    assert changes(unknown, down) == ()
    assert changes(down, unknown) == ()


def test_contacts():
    closed, opened = (DeviceReading(contacts=(Contact("Door", state),)) for state in (False, True))
    assert changes(closed, opened) == (("contact_opened", "Door"),)
    assert changes(opened, closed) == (("contact_closed", "Door"),)
    assert changes(DeviceReading(), opened) == ()


def test_printers():
    fine, jammed = DeviceReading(), DeviceReading(printer_alerts=("jammed",))
    assert changes(fine, jammed) == (("printer_alert", "jammed"),)
    assert changes(jammed, fine) == (("printer_alert_gone", "jammed"),)
