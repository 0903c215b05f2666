"""Hosts that do not dial: static addresses, DHCP leases, the hotspot."""
