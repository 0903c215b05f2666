"""A simulated Safaricom: the C2B side of Daraja, its moods, and its own record of what the phones paid."""
