"""A simulated SMS gateway: Africa's Talking and the white-label family, the phones behind it, and its reports."""
