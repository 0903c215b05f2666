"""Who uses how much: habits, bytes and packets by station, interface, queue and connection."""
