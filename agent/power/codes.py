"""Every code of a record's events, details and checks, with its meaning in one line; the console explains each."""

EVENTS = {
    "drill_started": "a drill was started by the operator named",
    "drill_withdrawn": "nobody pulled the plug in time: the drill ended without an outage",
    "on_battery": "the UPS runs on its battery: the mains is away",
    "mains_back": "the UPS is on the mains again",
    "mains_away_again": "the mains went away again before anybody was woken: the same outage goes on",
    "low_battery": "the UPS says that its battery is low",
    "communication_lost": "upsd has no current data of the UPS",
    "communication_back": "upsd has current data of the UPS again",
    "communication_critical": "no word of the UPS on battery for too long: it counts as empty, everybody goes",
    "forced_elsewhere": "upsmon or a person forced the shutdown of the UPS: NUT sends everybody off at once",
    "stage_below": "a stage began: the battery lasts for less than its threshold",
    "stage_must": "a stage began: the time that the rest of the stages needs is all that the battery has left",
    "stage_over": "a stage's hosts are off",
    "stage_late": "a stage's time is over and hosts of it are still on: nobody waits longer for them",
    "host_left": "a host logged out of upsd and shuts down",
    "host_off": "a host no longer answers",
    "host_hung": "a host is still on although its stage's time is over; it is left behind",
    "host_spared": "a host stayed on: the mains was back before its upsmon had seen that it must go",
    "host_not_listening": "a host is on, but its upsmon is not logged in at upsd: it cannot hear that it must go",
    "dark": "the shutdown of the UPS was forced: the UPS's own host goes down last",
    "dark_cancelled": "the mains came back before the shutdown of the UPS was forced",
    "still_up": "the UPS's own host is still on long after the shutdown of the UPS was forced",
    "cut": "the UPS's own host went down before its turn",
    "booted": "the UPS's own host is up again",
    "resumed": "the power daemon was started again and goes on with this record",
    "waiting_for_charge": "the mains is back; the battery is too empty to go down in order once more",
    "charge_given_up": "the battery did not charge in time; the hosts are woken all the same",
    "woken": "a host was sent a wake-up packet",
    "cannot_be_woken": "a host has no hardware address in the inventory: a person must switch it on",
    "host_back": "a host's agent answers again",
    "host_not_back": "a host did not answer in time after the return of the mains",
    "checks_begun": "everybody who comes is back: services and databases are looked at",
    "outage_again": "the mains went away again while hosts were coming back: a new record begins",
    "battery_test": "the UPS was told to test its battery",
    "battery_test_runs": "the UPS tests its battery",
    "battery_test_over": "the battery test is over",
    "finished": "the record is filed",
    "action_failed": "a step could not be done, and is tried again",
}

DETAILS = {
    "off_before": "the host was off when the mains went away: it is neither sent off nor woken",
    "self": "the UPS's own host: it goes last, by its own upsmon",
    "not_listening": "the host's upsmon was not logged in when its stage began",
    "lost": "the host no longer answers, but never logged out: it was cut off, or its network was",
    "not_back": "the host did not come back in time",
}
"""Of a ``HostStep``."""

CHECKS = {
    "order": "the stages went in order, nobody before the stage ahead was off or out of time",
    "in_time": "everybody was told before the UPS said that its battery was low",
    "hung": "the host named went down in its stage's time",
    "back": "the host named came back",
    "service": "the service named answers",
    "database": "the database named was shut down cleanly and accepts connections",
    "report": "the host named told how its last shutdown ended",
    "shutdown": "the host named was shut down in order, not cut off",
    "battery_test": "the UPS's own battery test passed",
}
"""The word of a ``Check``'s name before its colon; what follows is the host, service or host/database."""
