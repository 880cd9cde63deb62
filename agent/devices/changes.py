"""What changed on a device between two readings, in the words of the event journal."""

from collections.abc import Iterator

from agent.devices.reading import DeviceReading, Interface

Change = tuple[str, str]
"""The event's code and what it is about."""


def changes(before: DeviceReading, after: DeviceReading) -> tuple[Change, ...]:
    """Return what changed: links, contacts, what hinders a printer.  What came or went altogether is no change."""
    return (*_links(before, after), *_contacts(before, after), *_printer(before, after))


def _links(before: DeviceReading, after: DeviceReading) -> Iterator[Change]:
    was = {interface.name: interface.up for interface in before.interfaces}
    for interface in after.interfaces:
        if was.get(interface.name) is True and interface.up is False:
            why = ", switched off by the administrator" if interface.enabled is False else ""
            yield "link_down", _called(interface) + why
        if was.get(interface.name) is False and interface.up is True:
            yield "link_up", _called(interface)


def _contacts(before: DeviceReading, after: DeviceReading) -> Iterator[Change]:
    was = {contact.name: contact.open for contact in before.contacts}
    for contact in after.contacts:
        if was.get(contact.name) is (not contact.open):
            yield "contact_opened" if contact.open else "contact_closed", contact.name


def _printer(before: DeviceReading, after: DeviceReading) -> Iterator[Change]:
    for alert in after.printer_alerts:
        if alert not in before.printer_alerts:
            yield "printer_alert", alert
    for alert in before.printer_alerts:
        if alert not in after.printer_alerts:
            yield "printer_alert_gone", alert


def _called(interface: Interface) -> str:
    return f"{interface.name} ({interface.alias})" if interface.alias else interface.name
