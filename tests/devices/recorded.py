"""A recorded device, read once."""

import asyncio
import itertools

from agent.devices.reader import DeviceReader
from agent.devices.reading import DeviceReading
from tests.recordings import ReplayedRecording, read_recording, recording


def read_recorded(name: str) -> DeviceReading:
    """Return the reading of a recording, from memory; skips where it is absent."""
    device = ReplayedRecording(read_recording(recording(name).read_text(encoding="utf-8")))
    return asyncio.run(DeviceReader(now=itertools.count().__next__).poll(device))
