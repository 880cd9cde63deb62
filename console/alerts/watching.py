"""Put the alert core together for the worker: rules, engine, routes and senders."""

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session, sessionmaker

from console.alerts.engine import Alerts
from console.alerts.rulebook import load_rules
from console.alerts.sender import Sender, Senders
from console.config import ConfigError, ConsoleConfig
from console.notifications.message import Routes
from console.notifications.opening import open_routes
from console.notifications.secrets import Secrets, load_secrets, secrets_file

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Watching:
    """What judges, and what sends."""

    alerts: Alerts
    senders: Senders


def open_watch(config: ConsoleConfig, sessions: sessionmaker[Session], clock: Callable[[], datetime]) -> Watching:
    """Return the alert core with the shipped rules and the facility's routes.

    Without the routes' secrets it works all the same: then the routes refuse, and that is an incident.
    """
    secrets = Secrets()
    if config.notifications.routes:
        try:
            secrets = load_secrets(secrets_file(os.environ))
        except ConfigError as error:
            logger.error("the routes have no secrets: %s", error)  # noqa: TRY400 — the text says it all
    return watching(config, sessions, open_routes(config, secrets), clock)


def watching(
    config: ConsoleConfig, sessions: sessionmaker[Session], routes: Routes, clock: Callable[[], datetime]
) -> Watching:
    """Return the alert core that tells by ``routes``."""

    def refused() -> None:
        alerts.judge_deliveries(clock())

    senders = Senders(Sender(sessions, routes, clock, refused))
    alerts = Alerts(config, load_rules(), sessions, routes, senders.wake)
    return Watching(alerts, senders)
