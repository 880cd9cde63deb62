"""The words for how a UPS stands; the pages and the status document say them."""

from console.i18n import N_

# Condition of a UPS → its word; the state is the condition's own.
CONDITION_WORDS = {
    "forced_shutdown": N_("Forced shutdown"),
    "low_battery": N_("Battery low"),
    "lost_on_battery": N_("Lost on battery"),
    "on_battery": N_("On battery"),
    "off": N_("Output off"),
    "no_battery": N_("No battery"),
    "overload": N_("Overloaded"),
    "unreachable": N_("Unreachable"),
    "communication_lost": N_("Card lost the UPS"),
    "silent": N_("No report"),
    "never": N_("Never read"),
    "unconfirmed": N_("Contradictory"),
    "bypass": N_("On bypass"),
    "replace_battery": N_("Replace the battery"),
    "one_source": N_("One source fails"),
    "disagreement": N_("Sources differ"),
    "alarm": N_("Alarm"),
    "calibration": N_("Calibrating"),
    "test": N_("Testing the battery"),
    "corrected": N_("On mains, voltage corrected"),
    "on_mains": N_("On mains"),
}
