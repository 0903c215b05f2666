"""The menus as data, one file per part of the router; `ALL` is every menu there is."""

from lab.mikrotik.fields.schema import Menu
from lab.mikrotik.menus import (
    automation,
    console,
    dhcp,
    firewall,
    hardware,
    hotspot,
    ipv6,
    local,
    network,
    ppp,
    proxy,
    queues,
    radius,
    shown,
    system,
)

ALL: tuple[Menu, ...] = (
    *ppp.MENUS,
    *network.MENUS,
    *queues.MENUS,
    *local.MENUS,
    *firewall.MENUS,
    *proxy.MENUS,
    *radius.MENUS,
    *system.MENUS,
    *hardware.MENUS,
    *automation.MENUS,
    *dhcp.MENUS,
    *hotspot.MENUS,
    *ipv6.MENUS,
    *console.MENUS,
    *shown.MENUS,
)
