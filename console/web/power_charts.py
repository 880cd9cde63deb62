"""The charts of a UPS, and the picture of how its battery wears."""

from console.i18n import N_
from console.power.forecast import Forecast
from console.web.charts import Chart

CHARTS = (
    Chart(
        "charge",
        N_("Charge"),
        N_("Of the battery. Full while the mains is there; each dip is a power cut or a test."),
        "ratio",
        (("ups_charge_ratio", N_("Charge")),),
    ),
    Chart(
        "runtime",
        N_("Runtime"),
        N_("For how long the battery would last under the load of that moment, as the UPS says."),
        "minutes",
        (("ups_runtime_seconds", N_("Runtime")),),
    ),
    Chart(
        "load",
        N_("Load"),
        N_("Share of what the UPS can feed. Above 80% there is no reserve for switching on."),
        "ratio",
        (("ups_load_ratio", N_("Load")),),
    ),
    Chart(
        "input",
        N_("Input voltage"),
        N_("What the mains delivers. Rural lines sag in the evening; zero is a power cut."),
        "volts",
        (("ups_input_volts", N_("Voltage")),),
    ),
    Chart(
        "temperature",
        N_("Battery temperature"),
        N_("Every 10 °C above 25 °C halve a battery's life."),
        "celsius",
        (("ups_battery_celsius", N_("Battery")),),
    ),
)


def wear_scale(forecast: Forecast) -> float:
    """Return the runtime at the upper edge of the picture of a battery's wear."""
    return max([forecast.first_seconds or 1.0, *(week.runtime_seconds for week in forecast.weeks)])


def wear_curve(forecast: Forecast) -> str:
    """Return the points of a polyline in a box of 100 by 40, from zero upwards; nothing for less than two weeks."""
    weeks = forecast.weeks
    if len(weeks) < 2:
        return ""
    whole = (weeks[-1].day - weeks[0].day).days
    return " ".join(
        f"{(week.day - weeks[0].day).days / whole * 100:.2f},{height(week.runtime_seconds, forecast):.2f}"
        for week in weeks
    )


def height(seconds: float, forecast: Forecast) -> float:
    """Return where a runtime lies in that box."""
    return 40 - seconds / wear_scale(forecast) * 36
