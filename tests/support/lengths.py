"""The length-coding vectors: the one thing that the simulated router's tests and the agent's share."""

import json
from pathlib import Path
from typing import NamedTuple


class Vector(NamedTuple):
    """A length and its shortest coding."""

    length: int
    coded: bytes


_FILE = Path(__file__).parents[1] / "vectors/routeros_lengths.json"
LENGTHS = [Vector(one["length"], bytes.fromhex(one["bytes"])) for one in json.loads(_FILE.read_text())]
# What a client can be sent in a test: words up to a few hundred kilobytes.
SENDABLE = [vector for vector in LENGTHS if 0 < vector.length < 0x10000]
