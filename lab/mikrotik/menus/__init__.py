"""The menus as data, one file per part of the router; `ALL` is every menu there is."""

from lab.mikrotik.menus import console, firewall, network, ppp, system
from lab.mikrotik.schema import Menu

ALL: tuple[Menu, ...] = (*ppp.MENUS, *network.MENUS, *firewall.MENUS, *system.MENUS, *console.MENUS)
