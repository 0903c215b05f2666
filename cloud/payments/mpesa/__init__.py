"""M-Pesa (Daraja): what its C2B callbacks say and what they are answered."""
