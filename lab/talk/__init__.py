"""Talking to simulated parts by hand: ask, watch, and play a script over their control doors."""
