"""What Brother's lasers tell of their toner only in a block of their own; in Printer-MIB they say "some is left".

The block (brInfoMaintenance) is no part of a published MIB.  It holds records of a code, the octet 1, the length of the
value in octets and the value.  Old models have other values, one octet long, under the same codes.
"""

from collections.abc import Iterator, Mapping

from agent.polling import Value

ENTERPRISE = "1.3.6.1.4.1.2435"
MAINTENANCE = f"{ENTERPRISE}.2.3.9.4.2.1.5.5.8"
TONERS = {0x6F: "Black Toner", 0x70: "Cyan Toner", 0x71: "Magenta Toner", 0x72: "Yellow Toner"}
FULL = 10_000  # hundredths of a percent
LENGTH = 4


def toner_left(block: Value | None) -> Mapping[str, float]:
    """Return what is left of each toner, as a ratio, by what the supplies' names in Printer-MIB begin with."""
    records = _records(block if isinstance(block, bytes) else b"")
    left = {TONERS[code]: int.from_bytes(value) / FULL for code, value in records if code in TONERS}
    return {name: ratio for name, ratio in left.items() if ratio <= 1}


def _records(block: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 3 <= len(block) and block[at + 1] == 1:
        end = at + 3 + block[at + 2]
        if block[at + 2] == LENGTH and end <= len(block):
            yield block[at], block[at + 3 : end]
        at = end
