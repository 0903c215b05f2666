"""Time, load and memory: clock, timers, log, what lives in a table, what ends by itself, what a boot forgets."""
