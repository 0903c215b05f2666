"""Loops and ticks; they carry no facts: whatever is due is in the tables."""
