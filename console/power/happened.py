"""What each event of a UPS or a device, and each step of a power cut, says to people: title, meaning, next step."""

from console.explanation import Explanation, explanation
from console.power.texts import CONDITIONS, TROUBLES

# What the agents' journals tell and no condition explains.
EVENTS = {
    "mains_back": explanation(
        "The mains is back",
        "The UPS feeds the hosts from the mains again and charges its battery.",
        "Nothing has to be done.",
    ),
    "communication_back": explanation(
        "The UPS is in contact again",
        "Its values are current again.",
        "Nothing has to be done.",
    ),
    "reachable": explanation(
        "Answers again",
        "The device answers, its values are current again.",
        "Nothing has to be done.",
    ),
    "link_down": explanation(
        "A link went down",
        "What hangs on this port has no network.",
        "Look at the cable and at the device at its other end.",
    ),
    "link_up": explanation(
        "A link came up",
        "What hangs on this port has network again.",
        "Nothing has to be done.",
    ),
    "trap": explanation(
        "A message of the device",
        "The device sent a message that has no meaning of its own here; the detail names it.",
        "Look up the number in the manual of the device.",
    ),
    "power": explanation(
        "A power record changed",
        "The record of a power cut or of a drill went on.",
        "Open the record.",
    ),
}

# The events of a power record: agent.power.codes
STEPS = {
    "drill_started": explanation(
        "The drill was started",
        "A person asked for it; the record names who.",
        "Nothing has to be done.",
    ),
    "drill_withdrawn": explanation(
        "The drill ended without an outage",
        "Nobody pulled the plug in time.",
        "Start it again when somebody stands at the UPS.",
    ),
    "mains_away_again": explanation(
        "The mains went away again",
        "Nobody had been woken yet: the same outage goes on.",
        "Nothing has to be done.",
    ),
    "communication_critical": explanation(
        "No word of the UPS for too long",
        "On battery and without word it counts as empty: everybody goes.",
        "Look at the cable between UPS and host.",
    ),
    "forced_elsewhere": explanation(
        "Somebody else forced the shutdown",
        "upsmon or a person did: NUT sends everybody off at once, not in stages.",
        "Look into the log of nut-monitor for who did.",
    ),
    "stage_below": explanation(
        "A stage began",
        "The battery lasts for less than the stage's threshold.",
        "Nothing has to be done.",
    ),
    "stage_must": explanation(
        "A stage began, as the time is needed",
        "The rest of the stages needs all the time that the battery has left.",
        "Raise below_seconds of the stages, or shorten what they take.",
    ),
    "stage_over": explanation(
        "A stage is over",
        "Its hosts are off.",
        "Nothing has to be done.",
    ),
    "stage_late": explanation(
        "A stage's time is over",
        "Hosts of it are still on; nobody waits longer for them.",
        "Find out why they take so long; raise takes_seconds or mend the host.",
    ),
    "host_left": explanation(
        "A host shuts down",
        "It logged out of upsd.",
        "Nothing has to be done.",
    ),
    "host_off": explanation(
        "A host is off",
        "It no longer answers.",
        "Nothing has to be done.",
    ),
    "host_hung": explanation(
        "A host hangs",
        "It is still on although its stage's time is over; it is left behind and loses power when the battery is "
        "empty.",
        "Look into its journal for the service that did not stop.",
    ),
    "host_not_listening": explanation(
        "A host cannot hear that it must go",
        "It is on, but its upsmon is not logged in at upsd.",
        "On that host: systemctl status nut-monitor",
    ),
    "dark": explanation(
        "The UPS's own host goes down",
        "The shutdown of the UPS was forced; its host goes last.",
        "Nothing has to be done.",
    ),
    "dark_cancelled": explanation(
        "The last stage was taken back",
        "The mains came back before the shutdown of the UPS was forced.",
        "Nothing has to be done.",
    ),
    "still_up": explanation(
        "The UPS's own host is still on",
        "It was told to go long ago and stayed on. Hosts that start now go down again.",
        "On it: systemctl restart nut-server",
    ),
    "cut": explanation(
        "The UPS's own host went down before its turn",
        "It lost power, or somebody switched it off.",
        "Look at the age of the battery; check its databases.",
    ),
    "booted": explanation(
        "The UPS's own host is up again",
        "The return begins.",
        "Nothing has to be done.",
    ),
    "resumed": explanation(
        "The power daemon was started again",
        "It goes on with this record.",
        "Nothing has to be done.",
    ),
    "waiting_for_charge": explanation(
        "Waiting for the battery",
        "The mains is back; the battery is too empty to go down in order once more.",
        "Nothing has to be done.",
    ),
    "charge_given_up": explanation(
        "The battery did not charge in time",
        "The hosts are woken all the same: a second power cut now would cut them off.",
        "Look at the battery and its charger.",
    ),
    "woken": explanation(
        "A host was woken",
        "It was sent a wake-up packet.",
        "Nothing has to be done.",
    ),
    "cannot_be_woken": explanation(
        "A host cannot be woken",
        "The inventory has no hardware address of it.",
        "Switch it on by hand; then add mac to the host in the inventory.",
    ),
    "host_back": explanation(
        "A host is back",
        "Its agent answers again.",
        "Nothing has to be done.",
    ),
    "host_silent": explanation(
        "A host without an agent does not answer",
        "It was asked from outside after the return of the mains: it is away.",
        "Nothing has to be done.",
    ),
    "host_reachable": explanation(
        "A host without an agent is reachable again",
        "It was away and answers again. How it went down, and whether all of it runs, cannot be seen from outside.",
        "Nothing has to be done.",
    ),
    "host_never_away": explanation(
        "A host without an agent was never seen away",
        "It answers, and nobody saw it silent since it was told to go: perhaps it never went down.",
        "Look into its own log for a restart; see that its NUT client watches this UPS and that its plug is in it.",
    ),
    "host_not_back": explanation(
        "A host did not come back",
        "It did not answer in time after the return of the mains.",
        "Look at the machine: is it on, what does its screen say?",
    ),
    "checks_begun": explanation(
        "The checks began",
        "Everybody who comes is back: services and databases are looked at.",
        "Nothing has to be done.",
    ),
    "outage_again": explanation(
        "The mains went away while hosts came back",
        "A new record begins.",
        "Nothing has to be done.",
    ),
    "battery_test": explanation(
        "The battery test began",
        "The UPS was told to test its battery.",
        "Nothing has to be done.",
    ),
    "host_spared": explanation(
        "A host stayed on",
        "The mains was back before its upsmon had seen that it must go.",
        "Nothing has to be done.",
    ),
    "battery_test_runs": explanation(
        "The battery test runs",
        "The UPS feeds the hosts from its battery for a moment; nobody is sent off.",
        "Nothing has to be done.",
    ),
    "battery_test_over": explanation(
        "The battery test is over",
        "Its result is among the checks.",
        "Nothing has to be done.",
    ),
    "finished": explanation(
        "The record is filed",
        "It does not change any more.",
        "Nothing has to be done.",
    ),
    "action_failed": explanation(
        "A step could not be done",
        "It is tried again; the detail says what failed.",
        "Read the detail; on the UPS's host: journalctl -u xinglin-power -n 50",
    ),
}

# Code → texts, of the journals and of the records alike.
HAPPENED: dict[str, Explanation] = {
    **{code: CONDITIONS[code] for code in CONDITIONS},
    **EVENTS,
    **STEPS,
    "unreachable": TROUBLES["unreachable"],
}
