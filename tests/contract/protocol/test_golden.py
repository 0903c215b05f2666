"""Messages of every released version, byte for byte: old agents and new clouds must keep understanding each other."""

import json
from pathlib import Path

import pytest

from protocol.codec import decode, encode
from protocol.entitlement import parse_row, render_row
from protocol.envelope import Envelope
from protocol.messages import DOWN, UP
from protocol.sealing import context, unseal
from protocol.signing import Signer, Verifier

GOLDEN = sorted((Path(__file__).parent / "golden").glob("v1-*.json"))
KEY = Signer.from_bytes(bytes(range(32)))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_recorded_message_still_reads_as_it_did(path: Path) -> None:
    golden = json.loads(path.read_text())
    message = decode(
        golden["direction"],
        bytes.fromhex(golden["frame_hex"]),
        agent="a-golden",
        installation="i-golden",
        find_verifier=lambda _kid: Verifier(KEY.public),
    )
    assert message.body is not None
    assert json.loads(message.body.model_dump_json()) == golden["body"]
    assert message.attachment == bytes.fromhex(golden["attachment_hex"])


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_recorded_message_is_still_written_alike(path: Path) -> None:
    """Ed25519 is deterministic, so an unchanged protocol writes unchanged bytes."""
    golden = json.loads(path.read_text())
    frame = encode(golden["direction"], Envelope(**golden["envelope"]), KEY, bytes.fromhex(golden["attachment_hex"]))
    assert frame.hex() == golden["frame_hex"]


def test_every_kind_has_a_recorded_message() -> None:
    assert {path.stem.removeprefix("v1-") for path in GOLDEN} == {*DOWN, *UP}


def test_a_recorded_row_still_reads_writes_and_opens_as_it_did() -> None:
    golden = json.loads((Path(__file__).parent / "golden" / "row-v1.json").read_text())
    entitlement = parse_row(golden["row"])
    assert json.loads(entitlement.model_dump_json()) == golden["entitlement"]
    assert render_row(entitlement) == golden["row"]
    bound = context("a-golden", entitlement.id)
    assert unseal(entitlement.credential.sealed, private=bytes(range(32)), bound_to=bound) == golden["password"]
