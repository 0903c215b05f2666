"""How many bytes a packet carries on average, by direction: requests and acknowledgements are small."""

UP_PACKET_BYTES = 200
DOWN_PACKET_BYTES = 1_200


def packets_per_s(bits_per_s: int, packet_bytes: int) -> int:
    """Packets of a rate, rounded up."""
    return -(-bits_per_s // (packet_bytes * 8))
