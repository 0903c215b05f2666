"""Every bound on what may be said, in one place: both sides refuse what exceeds it."""

from typing import Final

MESSAGE_BYTES_MAX: Final = 128 * 1024
"""One MQTT payload, frame included: AWS-class brokers refuse more."""

CHUNK_BYTES: Final = 96 * 1024
"""Compressed snapshot bytes in one chunk; leaves room for frame and envelope under MESSAGE_BYTES_MAX."""

COMPRESS_ABOVE_BYTES: Final = 1024
"""Below this, zlib costs more than it saves."""

INFLATED_BYTES_MAX: Final = 32 * 1024 * 1024
"""A snapshot of some 200,000 entitlements; more is an attack or a bug."""

INFLATED_RATIO_MAX: Final = 200
"""Entitlement rows compress about 4:1, long runs of near-equal test rows 60:1."""

ROW_BYTES_MAX: Final = 4 * 1024
ENTITLEMENTS_MAX: Final = 50_000
DELTA_ROWS_MAX: Final = 500
"""A delta of more rows is sent as a snapshot."""

EVENTS_PER_BATCH_MAX: Final = 200
EVENT_BYTES_MAX: Final = 4 * 1024
FAILED_ROWS_MAX: Final = 50
"""`reported` names at most so many failed rows and conflicts; the count says how many there are."""

KEYS_MAX: Final = 16
KEEPALIVE_S: Final = 20
GAP_WAIT_S: Final = 2.0
"""How long an agent waits for a missing delta before it asks."""
