"""Frames: the bytes that travel.

    mnara1 <flags> <kid> <signature>\\n<content>

The first line is ASCII. `flags` is `-` or `z` (the content is deflated); `kid` names the signing key; the signature is
over the type, which includes the direction and the flags, and over the content exactly as it travels, so nothing is
inflated or parsed before it is known to be authentic. The content is the envelope's JSON and, after a newline, the
attachment (chunks and key lists have one).
"""

import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from protocol import limits
from protocol.envelope import VERSION, Envelope
from protocol.errors import Malformed, Misaddressed
from protocol.messages import DOWN, UP, Body
from protocol.signing import Signer, Verifier, from_text, to_text

Direction = Literal["down", "up"]
_MAGIC = "mnara1"
_HEADER_BYTES_MAX = 160
_SIGNATURE_BYTES = 64


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame taken apart but not yet believed."""

    flags: str
    kid: str
    signature: bytes
    content: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """An authentic message. `body` is None when its kind is not known to this version: it is ignored and counted."""

    envelope: Envelope
    body: Body | None
    attachment: bytes = b""


def content_type(direction: str, flags: str) -> str:
    """Return the DSSE type of a frame's content."""
    return f"application/vnd.mnara1.{direction}+{flags}"


def seal_frame(direction: str, content: bytes, signer: Signer) -> bytes:
    """Deflate if worth it, sign, and put the header in front."""
    flags = "-"
    if len(content) > limits.COMPRESS_ABOVE_BYTES:
        deflated = zlib.compress(content, 6)
        if len(deflated) < len(content):
            flags, content = "z", deflated
    signature = to_text(signer.sign(content_type(direction, flags), content))
    frame = f"{_MAGIC} {flags} {signer.kid} {signature}\n".encode() + content
    if len(frame) > limits.MESSAGE_BYTES_MAX:
        raise Malformed(f"message of {len(frame)} bytes is over the limit")
    return frame


def split_frame(raw: bytes) -> Frame:
    """Take a frame apart, or raise Malformed; nothing in it is believed yet."""
    if len(raw) > limits.MESSAGE_BYTES_MAX:
        raise Malformed("message is over the size limit")
    end = raw.find(b"\n", 0, _HEADER_BYTES_MAX)
    try:
        magic, flags, kid, signature = raw[: max(end, 0)].decode("ascii").split(" ")
    except ValueError as error:
        raise Malformed("no frame header") from error
    if magic != _MAGIC or flags not in {"-", "z"} or len(kid) > 32:
        raise Malformed("unknown frame header")
    return Frame(flags, kid, from_text(signature, _SIGNATURE_BYTES), raw[end + 1 :])


def open_frame(direction: str, raw: bytes, find_verifier: Callable[[str], Verifier]) -> bytes:
    """Return the authentic, inflated content. `find_verifier` maps a kid to its key or raises Forged."""
    frame = split_frame(raw)
    find_verifier(frame.kid).verify(content_type(direction, frame.flags), frame.content, frame.signature)
    return inflate(frame.content) if frame.flags == "z" else frame.content


def inflate(deflated: bytes) -> bytes:
    """Inflate within the limits on size and ratio, or raise Malformed."""
    most = min(limits.INFLATED_BYTES_MAX, max(len(deflated) * limits.INFLATED_RATIO_MAX, 64 * 1024))
    stream = zlib.decompressobj()
    try:
        content = stream.decompress(deflated, most)
    except zlib.error as error:
        raise Malformed("content does not inflate") from error
    if not stream.eof or stream.unused_data:
        raise Malformed("content inflates beyond its limit or is cut off")
    return content


def encode(direction: Direction, envelope: Envelope, signer: Signer, attachment: bytes = b"") -> bytes:
    """Write a message's frame."""
    text = json.dumps(envelope.model_dump(mode="json", exclude_none=True), separators=(",", ":"))
    return seal_frame(direction, text.encode() + (b"\n" + attachment if attachment else b""), signer)


def decode(
    direction: Direction,
    raw: bytes,
    *,
    agent: str,
    installation: str,
    find_verifier: Callable[[str], Verifier],
) -> Message:
    """Read a frame meant for (or said by) this agent's installation; raises a ProtocolError and changes nothing."""
    text, _, attachment = open_frame(direction, raw, find_verifier).partition(b"\n")
    envelope = _parse_envelope(text)
    if envelope.agent != agent or envelope.installation != installation:
        raise Misaddressed(f"for {envelope.agent}/{envelope.installation}")
    return Message(envelope, parse_body(direction, envelope.kind, envelope.body), attachment)


def parse_body(direction: Direction, kind: str, body: dict[str, Any]) -> Body | None:
    """Return the body's model; None for a kind this version does not know."""
    model = (DOWN if direction == "down" else UP).get(kind)
    if model is None:
        return None
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise Malformed(f"{kind} does not parse: {error.errors()[0]['msg']}") from error


def _parse_envelope(text: bytes) -> Envelope:
    try:
        envelope = Envelope.model_validate_json(text)
    except ValidationError as error:
        raise Malformed(f"envelope does not parse: {error.errors()[0]['msg']}") from error
    if envelope.v != VERSION:
        raise Malformed(f"envelope version {envelope.v} is not spoken here")
    return envelope
