"""Where callbacks wait while the database is gone: files of framed records that survive a power cut.

A frame is `length (4 bytes, big endian) ‖ CRC-32 of the payload (4) ‖ payload`. A record is acknowledged only after
fsync, so a torn last frame was never answered and may be dropped. Every process appends to a segment of its own and
holds a lock on it; whoever can lock a segment may drain it. A record's key, `segment:offset`, never changes, so
that draining twice stores once.
"""

import fcntl
import os
import struct
import threading
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_FRAME = struct.Struct(">II")
RECORD_BYTES_MAX = 256 * 1024
SPOOL_BYTES_MAX = 256 * 1024 * 1024
"""Some 400,000 callbacks: hours of a large provider's evening peak."""
_SUFFIX = ".spool"
_DAMAGED = ".damaged"


class SpoolFull(Exception):
    """The spool holds all it may, or the disk does not take more: the rail must be told to try again."""


@dataclass(frozen=True, slots=True)
class SpoolRecord:
    """One payload and the key it keeps for ever."""

    key: str
    payload: bytes


class Spool:
    """One process's end of the spool folder. Its methods block (fsync): call them off the event loop."""

    def __init__(self, folder: Path, new_name: Callable[[], str], *, bytes_max: int = SPOOL_BYTES_MAX) -> None:
        self._folder = folder
        self._new_name = new_name
        self._bytes_max = bytes_max
        self._fd: int | None = None
        self._lock = threading.Lock()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def append(self, payloads: Sequence[bytes]) -> None:
        """Write records and make them durable, all or none of them acknowledged; raise SpoolFull if that fails."""
        frames = b"".join(_frame(payload) for payload in payloads)
        if self.size_bytes() + len(frames) > self._bytes_max:
            raise SpoolFull(f"the spool in {self._folder} has reached {self._bytes_max} bytes")
        try:
            with self._lock:
                fd = self._segment()
                _write_all(fd, frames)
                os.fsync(fd)
        except OSError as error:
            # What reached the file is unknown; a new segment keeps it from hiding what comes later.
            self.rotate()
            raise SpoolFull(f"the spool in {self._folder} cannot be written: {error.strerror}") from error

    def rotate(self) -> None:
        """Let go of the current segment, so that it can be drained; the next append begins another."""
        with self._lock:
            if self._fd is not None:
                os.close(self._fd)
                self._fd = None

    def size_bytes(self) -> int:
        """Return what all segments of the folder hold."""
        size = 0
        for path in self._segments():
            with suppress(FileNotFoundError):  # drained by another process just now
                size += path.stat().st_size
        return size

    def is_empty(self) -> bool:
        """Say whether nothing waits in the folder, in whichever process's segment."""
        return next(iter(self._segments()), None) is None

    def drain(self) -> Generator["Segment", None, None]:
        """Yield each segment that no other process is writing or draining, oldest name first, locked meanwhile."""
        self.rotate()
        for path in self._segments():
            segment = Segment.find(path)
            if segment is None:
                continue
            try:
                yield segment
            finally:
                segment.close()

    def _segments(self) -> list[Path]:
        return sorted(self._folder.glob("*" + _SUFFIX))

    def _segment(self) -> int:
        if self._fd is None:
            path = self._folder / f"{self._new_name()}{_SUFFIX}"
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._fd = fd
            _sync_folder(self._folder)
        return self._fd


class Segment:
    """One locked segment file being drained."""

    def __init__(self, path: Path, fd: int) -> None:
        self._path = path
        self._fd = fd
        self._whole = True

    @classmethod
    def find(cls, path: Path) -> "Segment | None":
        """Lock the segment; None when another process has it or has just removed it."""
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Between open and lock another process may have drained and removed it.
            if path.stat().st_ino == os.fstat(fd).st_ino:
                return cls(path, fd)
        except (BlockingIOError, FileNotFoundError):
            pass
        os.close(fd)
        return None

    def records(self) -> Iterator[SpoolRecord]:
        """Yield the sound records in order; the first unsound frame ends them."""
        # On the segment's own descriptor: a second one would keep the lock for as long as somebody holds this iterator,
        # which a traceback does.
        with os.fdopen(self._fd, "rb", closefd=False) as file:
            file.seek(0)
            offset = 0
            while header := file.read(_FRAME.size):
                payload = _find_payload(header, file.read)
                if payload is None:
                    self._whole = False
                    return
                yield SpoolRecord(f"{self._path.stem}:{offset}", payload)
                offset += _FRAME.size + len(payload)

    def remove(self) -> None:
        """Forget the segment, its records being stored elsewhere; one with an unsound frame is set aside for a human.

        A torn last frame is the usual cause and was never acknowledged; bit rot would look the same.
        """
        if self._whole:
            self._path.unlink()
            _sync_folder(self._path.parent)
        else:
            self.set_aside()

    def set_aside(self) -> None:
        """Keep the segment for a human, out of the drain's way."""
        self._path.rename(self._path.with_suffix(_DAMAGED))
        _sync_folder(self._path.parent)

    def close(self) -> None:
        """Release the lock."""
        os.close(self._fd)


def _find_payload(header: bytes, read: Callable[[int], bytes]) -> bytes | None:
    if len(header) < _FRAME.size:
        return None
    length, crc = _FRAME.unpack(header)
    if not 0 < length <= RECORD_BYTES_MAX:
        return None
    payload = read(length)
    return payload if len(payload) == length and zlib.crc32(payload) == crc else None


def _frame(payload: bytes) -> bytes:
    if not 0 < len(payload) <= RECORD_BYTES_MAX:
        raise ValueError(f"a spool record is 1 to {RECORD_BYTES_MAX} bytes")
    return _FRAME.pack(len(payload), zlib.crc32(payload)) + payload


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
