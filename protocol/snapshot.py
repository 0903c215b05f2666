"""A whole desired state as a manifest and chunks, and back: complete and matching its hashes, or refused."""

import hashlib
import zlib
from collections.abc import Sequence

from protocol import limits
from protocol.codec import inflate
from protocol.digest import digest_of
from protocol.errors import Malformed
from protocol.messages import Chunk, Held, Manifest


def pack(rows: Sequence[str], *, epoch: int, generation: int) -> tuple[Manifest, list[tuple[Chunk, bytes]]]:
    """Deflate rows (each without a newline) and cut them into chunks."""
    if len(rows) > limits.ENTITLEMENTS_MAX or any("\n" in row for row in rows):
        raise Malformed("too many rows for a snapshot, or a row with a newline")
    deflated = zlib.compress("\n".join(rows).encode(), 6)
    name = hashlib.sha256(deflated).hexdigest()
    parts = [deflated[at : at + limits.CHUNK_BYTES] for at in range(0, len(deflated), limits.CHUNK_BYTES)]
    manifest = Manifest(
        desired=Held(epoch=epoch, generation=generation, digest=digest_of(rows)),
        count=len(rows),
        sha256=name,
        size_bytes=len(deflated),
        chunks=len(parts),
    )
    return manifest, [(Chunk(sha256=name, index=index), part) for index, part in enumerate(parts)]


class Assembly:
    """Chunks of one snapshot as they arrive, in any order and more than once."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self._parts: dict[int, bytes] = {}

    def add(self, chunk: Chunk, part: bytes) -> None:
        """Take a chunk; one of another snapshot is Malformed."""
        if chunk.sha256 != self.manifest.sha256 or chunk.index >= self.manifest.chunks:
            raise Malformed("chunk of another snapshot")
        if len(part) > limits.CHUNK_BYTES:
            raise Malformed("chunk is too large")
        self._parts[chunk.index] = part

    @property
    def complete(self) -> bool:
        """Tell whether every chunk is here."""
        return len(self._parts) == self.manifest.chunks

    def rows(self) -> list[str]:
        """Return the rows, if they are exactly what the manifest promised; otherwise raise Malformed."""
        deflated = b"".join(self._parts[index] for index in sorted(self._parts))
        if len(deflated) != self.manifest.size_bytes or hashlib.sha256(deflated).hexdigest() != self.manifest.sha256:
            raise Malformed("snapshot does not match its manifest")
        try:
            text = inflate(deflated).decode()
        except UnicodeDecodeError as error:
            raise Malformed("snapshot is not text") from error
        rows = text.split("\n") if text else []
        if len(rows) != self.manifest.count or digest_of(rows) != self.manifest.desired.digest:
            raise Malformed("snapshot does not match its manifest")
        return rows
