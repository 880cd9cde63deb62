"""A whole drill by the real power daemon and the real upsd, seen by the alerts scrape by scrape; then a real outage."""

import os
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from agent.collectors.drill import DrillCollector
from agent.nut.errors import NutError
from agent.nut.reading import ups_reading
from agent.polling import Standing, Trouble
from agent.power.request import new_request, read_answer, write_request
from agent.ups.metrics import ups_families
from agent.ups.reading import UpsReading
from console.config import ManagedHost
from console.power.plan import PowerPlan, Ups
from console.worker.exposition import PageParser
from tests.alerts.conftest import Desk, Samples
from tests.alerts.test_drills import heard
from tests.power.loopback import HOSTS, OWN, UPS, Clinic, running_clinic
from tests.web.electricity import text

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="upsmon asks for root")


def page(clinic: Clinic) -> Samples:
    """Return what the agent of the UPS's host would show now: first what upsd says, then which drill there is."""
    reading: UpsReading | None = None
    try:
        with clinic.client() as client:
            reading = ups_reading(client.variables(UPS))
    except NutError:
        pass  # everything is dark
    at = datetime.now(UTC).timestamp()
    shown = Standing(UPS, "ups", "nut", reading, at if reading else None, None if reading else Trouble.UNREACHABLE)
    families = [*ups_families([shown]), *DrillCollector(clinic.directory / "power").collect()]
    return PageParser().parse(text(families))


def look(desk: Desk, clinic: Clinic, *, after: float = 0) -> None:
    desk.clock.moment = max(desk.clock.moment, datetime.now(UTC))
    heard(desk, page(clinic), OWN, after=after)
    desk.problems()


def test_no_moment_of_a_drill_is_taken_for_an_outage_and_the_outage_after_it_for_no_drill(
    desk: Desk, tmp_path_factory: pytest.TempPathFactory
) -> None:
    hosts = tuple(ManagedHost(name, "127.0.0.1", 9, (), "servers") for name in HOSTS)
    desk.config = replace(desk.config, hosts=hosts, devices=(), power=PowerPlan((Ups(UPS, UPS, OWN, HOSTS, "dummy"),)))
    desk.restart()
    with running_clinic(tmp_path_factory.mktemp("drill")) as clinic:
        requests = clinic.directory / "power/drill"
        clinic.wait(requests.exists)
        look(desk, clinic)
        wanted = new_request("boot1", UPS, "lab", "simulated", "李伟")
        write_request(requests, wanted)

        def filed() -> bool:
            look(desk, clinic)
            return clinic.filed()

        clinic.wait(lambda: read_answer(requests, wanted.request_id) is not None)
        clinic.wait(filed)
        (record,) = clinic.records()
        look(desk, clinic, after=1)
        look(desk, clinic, after=61)
        power = desk.incidents("ups_on_battery") + desk.incidents("ups_low_battery")
        assert {one.drill for one in power} == {record.record_id}
        assert all(one.resolved_at for one in power)
        desk.send()
        assert {one.kind for _route, one in desk.routes.came} == {"opened", "resolved"}  # nothing was to be corrected
        clinic.say(status="OB DISCHRG")

        def told() -> bool:
            look(desk, clinic)
            return desk.open() == ["ups_on_battery"]

        clinic.wait(told)
        assert desk.incidents()[-1].drill is None
