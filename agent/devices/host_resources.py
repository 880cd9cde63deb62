"""Processors, memory and file systems by HOST-RESOURCES-MIB (RFC 2790), else the first two by UCD-SNMP-MIB."""

import re
from collections.abc import Iterable, Sequence

from agent.devices.reading import Memory, Storage
from agent.devices.values import MAX_ROWS, Cell, Values, scalar, text, unique, whole

STORAGE = "1.3.6.1.2.1.25.2.3.1"
STORAGE_TYPE, STORAGE_NAME, UNIT, SIZE, USED = (f"{STORAGE}.{column}" for column in (2, 3, 4, 5, 6))
PROCESSOR_LOAD = "1.3.6.1.2.1.25.3.3.1.2"
UCD_CPU_IDLE = scalar("1.3.6.1.4.1.2021.11.11.0")  # percent
UCD_MEMORY = tuple(scalar(f"1.3.6.1.4.1.2021.4.{number}.0") for number in (5, 6, 13, 14, 15))
"""memTotalReal, memAvailReal (free), memShared, memBuffer, memCached, all in KiB."""

TYPES = "1.3.6.1.2.1.25.2.1"
RAM, LASTING = f"{TYPES}.2", {f"{TYPES}.4", f"{TYPES}.9"}  # fixedDisk, flashMemory
RECLAIMABLE = {"Memory buffers": 1, "Cached memory": 1, "Shared memory": -1}
"""What Net-SNMP counts as used, and how often: the cache holds shared memory too, which nobody gives back."""

PSEUDO = re.compile(r"/(proc|run|sys)(/|$)|/dev(/shm|/pts|/mqueue|/hugepages)?$|devfs|/dev/md\S*, mounted on")
FILE_SYSTEM = "1.3.6.1.2.1.25.3.8.1"
ACCESS, FILE_SYSTEM_STORAGE = (f"{FILE_SYSTEM}.{column}" for column in (5, 7))
READ_ONLY = 2
MAX_PROCESSORS = 16
"""More processors than this are asked at slow polls only."""
INTEGER32 = 2**32


class HostResources:
    """Processor, memory and storage of one device."""

    tables: Sequence[Sequence[str]] = (
        (STORAGE_TYPE, STORAGE_NAME, UNIT, SIZE, USED),
        (FILE_SYSTEM_STORAGE, ACCESS),
        (PROCESSOR_LOAD,),
    )
    scalars: Sequence[Cell] = (UCD_CPU_IDLE, *UCD_MEMORY)

    def __init__(self) -> None:
        self._by_idle = False
        self._by_ucd = False

    def choose(self, values: Values) -> None:
        """Choose, after the tables were walked, where the load stands."""
        self._by_idle = not values.column(PROCESSOR_LOAD) and values.get(UCD_CPU_IDLE) is not None
        self._by_ucd = (
            not any(_is_main(values, row) for row in _memory_rows(values)) and _ucd_memory(values) is not None
        )

    def current(self, values: Values) -> Iterable[Cell]:
        """Return what to ask at every poll: the processors' load and the memory that is used."""
        processors = values.column(PROCESSOR_LOAD)
        if self._by_idle:
            yield UCD_CPU_IDLE
        elif len(processors) <= MAX_PROCESSORS:
            yield from (Cell(PROCESSOR_LOAD, row) for row in processors)
        yield from UCD_MEMORY if self._by_ucd else (Cell(USED, row) for row in _memory_rows(values))

    def cpu_used_ratio(self, values: Values) -> float | None:
        """Return the mean load of the processors; a load outside 0 to 100 % is none."""
        loads = [whole(load) for load in values.column(PROCESSOR_LOAD).values()]
        sound = [load for load in loads if load is not None and 0 <= load <= 100]
        if sound:
            return sum(sound) / len(sound) / 100
        idle = whole(values.get(UCD_CPU_IDLE)) if self._by_idle else None
        return None if idle is None or not 0 <= idle <= 100 else 1 - idle / 100

    def memory(self, values: Values) -> Memory | None:
        """Return main memory without what the system would give back at once (buffers, cache)."""
        if self._by_ucd:
            return _ucd_memory(values)
        rows = _memory_rows(values)
        main = next((_space(values, row) for row in rows if _is_main(values, row)), None)
        if main is None:
            return None
        used, size = main
        reclaimable = 0
        for row in rows:
            sign = RECLAIMABLE.get(_storage_name(values, row), 0)
            space = _space(values, row, fits=False) if sign else None
            reclaimable += sign * space[0] if space else 0
        used -= reclaimable if 0 < reclaimable <= used else 0
        return Memory(used / size, used, size)

    def storages(self, values: Values) -> tuple[Storage, ...]:
        """Return the disks and flash memories that something can be written to, each once.

        Left out are the kernel's pseudo file systems, images that are read-only and so always full, and further
        mounts of one file system (containers bind it to a dozen places): those have its size and use to the byte.
        """
        read_only = {
            str(storage)
            for row, storage in values.column(FILE_SYSTEM_STORAGE).items()
            if values.column(ACCESS).get(row) == READ_ONLY
        }
        places: dict[tuple[int, int], tuple[str, str]] = {}
        for row, kind in values.column(STORAGE_TYPE).items():
            name = _storage_name(values, row)
            if kind not in LASTING or row in read_only or PSEUDO.match(name):
                continue
            space = _space(values, row)
            if space and (space not in places or len(name) < len(places[space][0])):
                places[space] = (name, row)
        found = list(places.items())[:MAX_ROWS]
        names = unique(place for _, place in found)
        return tuple(Storage(name, *space) for name, (space, _) in zip(names, found, strict=True))


def _memory_rows(values: Values) -> list[str]:
    """Return the rows of main memory and of what is reclaimable in it."""
    names = values.column(STORAGE_NAME)
    return [row for row in names if _is_main(values, row) or _storage_name(values, row) in RECLAIMABLE][:MAX_ROWS]


def _ucd_memory(values: Values) -> Memory | None:
    """Return main memory; None where the device does not tell how much it has and how much is free."""
    total, free, shared, buffers, cached = (whole(values.get(cell)) for cell in UCD_MEMORY)
    if not total or free is None:
        return None
    used = total - free - (buffers or 0) - max((cached or 0) - (shared or 0), 0)
    return Memory(used / total, used * 1024, total * 1024) if 0 <= used <= total else None


def _storage_name(values: Values, row: str) -> str:
    return text(values.column(STORAGE_NAME).get(row))


def _is_main(values: Values, row: str) -> bool:
    return values.column(STORAGE_TYPE).get(row) == RAM


def _space(values: Values, row: str, *, fits: bool = True) -> tuple[int, int] | None:
    """Return (used, size) in bytes; None where there is no sense in them.

    Both count allocation units in a signed 32-bit number, which large disks overflow: then it shows negative.
    ``fits``: what is used must fit in.
    """
    unit, size, used = (whole(values.column(column).get(row)) for column in (UNIT, SIZE, USED))
    if unit is None or size is None or used is None or unit <= 0:
        return None
    size, used = size % INTEGER32, used % INTEGER32
    if size == 0 or (fits and used > size):
        return None
    return used * unit, size * unit
