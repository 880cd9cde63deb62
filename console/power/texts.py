"""What each state of a UPS and each trouble of a device says to people: title, meaning, next step.

The English texts are message ids; ``locale/zh_CN/LC_MESSAGES/console.po`` translates every one.
"""

from console.explanation import explanation

# agent.polling.Trouble
TROUBLES = {
    "unreachable": explanation(
        "No answer",
        "The device does not answer: it is off, the network path to it is broken, or (with SNMPv2c) the "
        "community is wrong.",
        "Look whether the device is on and its network cable sits; ping its address from the appliance; then "
        "compare the SNMP settings in the facility.",
    ),
    "wrong_credentials": explanation(
        "Wrong credentials",
        "The device refuses user or keys of SNMPv3. Nothing is known of its state.",
        "Compare user and keys with the device's own settings, correct them in the vault file, then: xinglin "
        "provision --tags agent",
    ),
    "bad_answer": explanation(
        "Broken answers",
        "The device answers, but its answers are cut off or malformed. Nothing is known of its state.",
        "Restart the device's network card; look for new firmware of the card; look for an overloaded network path.",
    ),
    "too_slow": explanation(
        "Too slow",
        "The device answers, but not within one poll interval. Its values would be old, so none are shown.",
        "Look at the load of the device and of the network; some cards become slow after months: restart the card.",
    ),
    "unknown_device": explanation(
        "Unknown device",
        "The device answers, but no profile knows its kind, so that its values have no meaning.",
        "Check that the address belongs to the device meant; report maker and model so that a profile can be added.",
    ),
    "no_data": explanation(
        "No current data",
        "upsd answers, but has no current data of the UPS: its driver is not connected, or its data are stale.",
        "On the UPS's host: systemctl status nut-driver@*; check the cable to the UPS; then: systemctl restart "
        "nut-driver@<name>",
    ),
    "not_started": explanation(
        "Not asked yet",
        "The agent has just started and has not asked this device yet.",
        "Wait for one poll interval.",
    ),
}

# console.power.standing.CONDITIONS that want an explanation
CONDITIONS = {
    "on_battery": explanation(
        "The mains is away: the battery feeds the hosts",
        "The hosts run on as long as the battery lasts; then they go down in the order of the plan. What needs "
        "the mains has stopped.",
        "Ask the electrician or the power supplier; switch off what is not needed; tell the wards when the HIS "
        "will go down (the plan says it).",
    ),
    "low_battery": explanation(
        "The battery is low",
        "The UPS says that its battery is nearly empty. All hosts that still run are shut down now.",
        "Do not switch anything on. Let the battery charge when the mains is back; the hosts come back by "
        "themselves in order.",
    ),
    "forced_shutdown": explanation(
        "The shutdown of the UPS was forced",
        "upsd tells every host to shut down. A host that starts now goes down again, until upsd is restarted.",
        "If the mains is back and this stays, on the UPS's host: systemctl restart nut-server",
    ),
    "lost_on_battery": explanation(
        "No word of the UPS since it went on battery",
        "The last word was that the mains is away. For how long the battery lasts is not known; NUT takes this "
        "for an empty battery and shuts down.",
        "Look at the UPS itself: does it still run, what does its display say? Then look at its network or USB cable.",
    ),
    "off": explanation(
        "The output of the UPS is off",
        "What hangs on this UPS gets no power.",
        "Look at the UPS; switch its output on when the cause is known.",
    ),
    "no_battery": explanation(
        "The UPS has no battery",
        "Without a battery the next power cut stops every host at once, databases included.",
        "Look whether the battery is connected; else order one (the model is on this page).",
    ),
    "overload": explanation(
        "The UPS is overloaded",
        "More hangs on it than it can feed: it may switch off, and on battery it lasts for minutes only.",
        "Take off what does not belong on the UPS, for example printers and heaters.",
    ),
    "unreachable": explanation(
        "The UPS cannot be read",
        "No source gives values of this UPS. A power cut would be noticed only by what fails.",
        "The sources below say why, and what to do.",
    ),
    "communication_lost": explanation(
        "The card has lost the UPS",
        "The network card answers, but has no contact with the UPS: every value that it gives is old.",
        "Press the card into its slot, or restart it; look at the UPS itself.",
    ),
    "silent": explanation(
        "Nothing new is known of the UPS",
        "The agent that reads this UPS does not report, so that its values are old. They are not shown.",
        "The page of the host that reads it says what is wrong with it.",
    ),
    "never": explanation(
        "The UPS has never been read",
        "The facility names this UPS, but no agent has told of it yet.",
        "Set it up: xinglin provision --tags ups,agent",
    ),
    "unconfirmed": explanation(
        "The UPS says battery, and contradicts itself",
        "One of its signals says that the mains is away, another says that it is there. Nobody is shut down by this.",
        "Look at the UPS; if the mains is there, report maker, model and firmware.",
    ),
    "bypass": explanation(
        "The UPS is on bypass",
        "The mains goes straight to the hosts: a power cut would stop them at once.",
        "Find out who switched it, or which fault did; bring it back from bypass.",
    ),
    "replace_battery": explanation(
        "The battery wants replacing",
        "The UPS found its battery weak. It may last much shorter than shown.",
        "Order a battery (the model is on this page), replace it, and enter the date on the UPS.",
    ),
    "one_source": explanation(
        "One of the sources is silent",
        "The UPS is read in two ways, and one of them fails. The values shown are the other's.",
        "The source below says why, and what to do.",
    ),
    "disagreement": explanation(
        "The sources differ",
        "SNMP and NUT say different things of the same UPS. One of them is wrong; the shutdown goes by NUT.",
        "Compare both with the display of the UPS.",
    ),
    "alarm": explanation(
        "The UPS has an alarm",
        "It runs, but tells of a fault of its own.",
        "Read the alarms below; the manual of the UPS explains each.",
    ),
}
