"""SNMP and NUT agree, or it is said in what they do not; a moment between two polls is no disagreement."""

from dataclasses import replace

from agent.polling import Standing, Trouble
from agent.registry import render
from agent.ups.agreement import Agreement, differences, disagreement_families, quantities
from agent.ups.reading import Flag, UpsReading

READING = UpsReading(
    flags=frozenset({Flag.ON_LINE}),
    charge_ratio=0.80,
    runtime_seconds=1800,
    load_ratio=0.30,
    input_volts=(230.0,),
    output_volts=(230.0, 231.0),
    battery_volts=54.0,
)
ON_BATTERY = replace(READING, flags=frozenset({Flag.ON_BATTERY}))


def differ(**changes: object) -> tuple[str, ...]:
    other = replace(READING, **changes)  # type: ignore[arg-type]
    return differences(quantities(READING), [quantities(other)])


def test_small_differences_are_rounding():
    assert differ() == ()
    assert differ(charge_ratio=0.82, load_ratio=0.33, runtime_seconds=1980.0) == ()
    assert differ(input_volts=(226.0,), battery_volts=53.0) == ()
    assert differences(quantities(replace(READING, runtime_seconds=60)), [{"runtime": 119.0}]) == ()


def test_larger_ones_are_named():
    assert differ(charge_ratio=0.77) == ("charge",)
    assert differ(load_ratio=0.34) == ("load",)
    assert differ(runtime_seconds=1600.0) == ("runtime",)
    assert differ(input_volts=(224.0,), output_volts=(2300.0,)) == ("input_voltage", "output_voltage")
    assert differ(flags=frozenset({Flag.ON_BATTERY, Flag.LOW_BATTERY})) == ("low_battery", "on_battery")
    assert differ(flags=frozenset({Flag.ON_LINE, Flag.REPLACE_BATTERY})) == ("replace_battery",)


def test_what_one_does_not_know_is_no_disagreement():
    assert differ(charge_ratio=None, input_volts=(), flags=frozenset()) == ()
    assert differ(flags=frozenset({Flag.ON_BATTERY_UNCONFIRMED})) == (), "a doubt is neither yes nor no"


def standing(source: str, reading: UpsReading | None, at: float) -> Standing[UpsReading]:
    if reading is None:
        return Standing("rack-ups", "ups", source, None, None, Trouble.UNREACHABLE, "", at)
    return Standing("rack-ups", "ups", source, reading, at, None)


def observe(agreement: Agreement, at: float, snmp: Standing[UpsReading], nut: UpsReading | None) -> tuple[str, ...]:
    agreement.observe([snmp, standing("nut", nut, at)], at)
    return tuple(quantity for _, quantity in agreement.disagreements(at))


def test_a_power_cut_between_two_polls_is_no_disagreement():
    agreement = Agreement(30)
    seen = []
    for second in range(0, 180, 5):
        polled = second // 30 * 30  # SNMP every 30 s, just before the mains goes at 61 s
        snmp = standing("snmp", ON_BATTERY if polled > 61 else READING, polled)
        seen.append(observe(agreement, second, snmp, ON_BATTERY if second >= 61 else READING))
    assert set(seen) == {()}


def test_a_battery_that_empties_quickly_is_no_disagreement():
    agreement = Agreement(30)
    for second in range(0, 300, 5):

        def emptying(at: float) -> UpsReading:
            return replace(ON_BATTERY, charge_ratio=1 - at / 600, runtime_seconds=600 - at)

        polled = second // 30 * 30
        assert observe(agreement, second, standing("snmp", emptying(polled), polled), emptying(second)) == ()


def test_a_lasting_difference_is_said_after_one_interval():
    agreement = Agreement(30)
    first = None
    for second in range(0, 120, 5):
        polled = second // 30 * 30
        if observe(agreement, second, standing("snmp", READING, polled), ON_BATTERY) and first is None:
            first = second
    assert first == 30


def test_a_source_that_fails_disagrees_with_nobody():
    agreement = Agreement(30)
    for second in range(0, 120, 5):
        snmp = standing("snmp", READING, second // 30 * 30)
        assert observe(agreement, second, snmp, ON_BATTERY if second < 20 else None) == ()


def test_a_clock_that_jumps_back_leaves_nothing_of_before():
    agreement = Agreement(30)
    for second in range(10_000, 10_100, 5):
        observe(agreement, second, standing("snmp", READING, second), READING)
    assert observe(agreement, 100, standing("snmp", ON_BATTERY, 100), ON_BATTERY) == ()
    assert observe(agreement, 140, standing("snmp", ON_BATTERY, 140), ON_BATTERY) == ()


def test_the_metric_has_a_sample_for_what_differs_alone():
    text = render(disagreement_families([("rack-ups", "charge")])).decode()
    assert 'xinglin_ups_disagreement{quantity="charge",ups="rack-ups"} 1.0' in text
    assert "{" not in render(disagreement_families([])).decode()
