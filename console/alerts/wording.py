"""Incidents in words: values for people, texts as the store keeps them, messages as they are sent."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from console.alerts.rule import Unit
from console.config import ConsoleConfig
from console.i18n import Text
from console.notifications.message import Kind, Message
from console.notifications.writing import DRILL_MARK
from console.rules.problem import Severity
from console.rules.say import local_time
from console.store.incidents import Incident

CHINESE, ENGLISH = "zh_CN", "en"

# What an agent calls a trouble, a disagreement → words.
CODES = {
    "unreachable": Text("no answer"),
    "bad_answer": Text("answers nonsense"),
    "too_slow": Text("answers too slowly"),
    "unknown_device": Text("a device that no profile knows"),
    "no_data": Text("the driver has no data"),
}


def measured(value: float, unit: Unit) -> str:
    """Return a value with its unit: ``12 %``, ``9 min``, ``31.5 °C``."""
    if unit is Unit.PERCENT:
        return f"{value:.0%}"
    if unit is Unit.SECONDS:
        return f"{value / 60:.0f} min" if abs(value) >= 120 else f"{value:.0f} s"
    if unit is Unit.CELSIUS:
        return f"{value:.1f} °C"
    if unit is Unit.VOLTS:
        return f"{value:.0f} V"
    return f"{value:g}"


def spoken_label(value: str) -> Text:
    """Return a label's value as a text, in words where it has some."""
    return CODES.get(value, Text(value))


def to_json(text: Text) -> dict[str, Any]:
    """Return a text as the store keeps it."""
    values = {key: to_json(one) if isinstance(one, Text) else str(one) for key, one in text.values.items()}
    return {"msgid": text.msgid, "values": values}


def from_json(document: Mapping[str, Any]) -> Text:
    """Return a stored text."""
    values = {key: from_json(one) if isinstance(one, dict) else one for key, one in document["values"].items()}
    return Text(document["msgid"], values)


def incident_text(incident: Incident, part: str) -> Text:
    """Return ``title``, ``meaning`` or ``next_step`` of an incident."""
    return from_json(incident.texts[part])


def titled(incident: Incident) -> Text:
    """Return an incident's title, marked where it belongs to a drill."""
    title = incident_text(incident, "title")
    return title if incident.drill is None else Text(DRILL_MARK, {"title": title})


def drill_url(config: ConsoleConfig, drill: str) -> str:
    """Return the address of a drill's record."""
    return f"{config.public_url.rstrip('/')}/power/records/{drill}"


def incident_url(config: ConsoleConfig, incident_id: int) -> str:
    """Return the address of an incident's page."""
    return f"{config.public_url.rstrip('/')}/incidents/{incident_id}"


def message(config: ConsoleConfig, incident: Incident, kind: Kind, at: datetime) -> Message:
    """Return the message that tells this transition of an incident."""
    title = incident_text(incident, "title")
    bodies = {locale: _body(config, incident, kind).translate(locale) for locale in (CHINESE, ENGLISH)}
    return Message(
        key=f"{incident.uid}-{kind.value}",
        incident_id=incident.id,
        kind=kind,
        severity=Severity(incident.severity),
        at=at,
        title_zh=title.translate(CHINESE),
        title_en=title.translate(ENGLISH),
        body_zh=bodies[CHINESE],
        body_en=bodies[ENGLISH],
        facility_zh=config.facility.name_zh,
        url=incident_url(config, incident.id),
        drill=incident.drill,
        drill_url=drill_url(config, incident.drill) if incident.drill else None,
    )


def _body(config: ConsoleConfig, incident: Incident, kind: Kind) -> Text:
    text = _what(config, incident, kind)
    if incident.drill is not None:
        values = {"address": drill_url(config, incident.drill), "text": text}
        return Text("This belongs to a power drill. Its record: {address}\n{text}", values)
    if kind is Kind.REAL:
        return Text("A drill does not explain this any more. Take it in earnest.\n{text}", {"text": text})
    return text


def _what(config: ConsoleConfig, incident: Incident, kind: Kind) -> Text:
    since = local_time(incident.opened_at, config.facility.zone)
    if kind is Kind.RESOLVED and incident.resolved_at is not None:
        until = local_time(incident.resolved_at, config.facility.zone)
        if incident.resolution == "person":
            values = {"since": since, "until": until, "who": incident.resolved_by, "why": incident.resolution_reason}
            return Text("Closed by {who} at {until}: {why}. It was open since {since}.", values)
        if incident.resolution == "retired":
            return Text("No longer watched since {until}. It was open since {since}.", {"since": since, "until": until})
        return Text("Over since {until}. It was open since {since}.", {"since": since, "until": until})
    meaning, step = incident_text(incident, "meaning"), incident_text(incident, "next_step")
    return Text("{meaning}\nNext step: {next}\nSince: {since}", {"meaning": meaning, "next": step, "since": since})


def message_to_json(one: Message) -> dict[str, Any]:
    """Return a message as the outbox keeps it."""
    return {**vars(one), "kind": one.kind.value, "severity": one.severity.value, "at": one.at.isoformat()}


def message_from_json(document: Mapping[str, Any]) -> Message:
    """Return a message of the outbox."""
    kind, severity = Kind(document["kind"]), Severity(document["severity"])
    return Message(**{**document, "kind": kind, "severity": severity, "at": datetime.fromisoformat(document["at"])})
