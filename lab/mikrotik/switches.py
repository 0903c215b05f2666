"""What nobody has verified about RouterOS, as switches: each default is a belief, to be turned when a bench router says
otherwise."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Switches:
    """Beliefs about the living router; `Setup(switches=…)` takes another set."""

    only_one_drops_old: bool = False
    """`only-one=yes`: the newcomer is refused (False) or the old session is dropped for him (True)."""
    disabled_server_ends_sessions: bool = True
    """Disabling, removing or invalidating a PPPoE server ends the sessions it let in."""
    byte_limit_reason: str = "nas-request"
    """last-disconnect-reason after `limit-bytes-in/out`."""
    license_limits_sessions: bool = False
    """The licence's level bounds PPPoE sessions (level 4: 200, level 5: 500), as the manual has it. Off, so that a
    tower of thousands runs on any board."""
    keepalive_reason: str = "hung-up"
    """last-disconnect-reason after a peer that answers no keepalive any more."""
    never_seen_reads_1970: bool = True
    """`last-logged-out` of a secret that never logged in reads the first of January 1970, else it is absent."""
    pool_gives_lowest: bool = True
    """A pool gives the lowest free address, else the one freed longest ago."""
    cookies_survive_reboot: bool = True
    """/ip/hotspot/cookie rows are on flash."""
    hotspot_counters_survive_reboot: bool = True
    """Hotspot users' totals are on flash; a power cut takes what was not yet added at a logout."""
    cookie_repeats_password: bool = True
    """A cookie logs in with the password of its first login, so a new password makes it worthless."""
    relogin_by_any_packet: bool = True
    """MAC and MAC-cookie logins are tried again for a host that is known but not logged in; else only when its row
    in /ip/hotspot/host is new."""
    bindings_at_once: bool = True
    """/ip/hotspot/ip-binding rows hold for hosts that are there already; else only when the host row is new."""
    hotspot_rules_shown: bool = True
    """A running hotspot shows its dynamic rules in filter and nat, above everybody's."""
    client_keeps_removed_lease: bool = True
    """A client whose lease row is removed goes on with its address until it renews; else it asks again at once."""
    lease_edits_at_once: bool = True
    """Rate-limit and address-lists of a bound static lease take effect when written; else at the next renewal."""
    dynamic_leases_survive_reboot: bool = True
    """Leases are stored on disk (`store-leases-disk`)."""
    import_reads_whole: bool = True
    """`/import` reads a file to its end before the first command runs: what is written wrong stops all of it, as
    librouteros' own tests found on a 7.18.2."""
    full_config_log: bool = True
    """From `CONFIG_LOG_SINCE` on a configuration change is logged with the road it came by and the command."""
    completes_values: bool = True
    """The beginning of a word or a row's name stands for it when nothing else begins so, as at the console."""
    dead_reads: str = "true"
    """What `.dead` reads when a row is gone: `true` was measured on 7.23.1, the manual says `yes`."""
    beyond_sessions: str = "close"
    """A connection beyond `max-sessions` or from a forbidden address meets `close`, `reset` or (beyond) `fatal`."""
    service_change_drops: bool = True
    """Disabling a service or changing its port cuts the connections it has."""


CHOICES = {"dead_reads": ("true", "yes"), "beyond_sessions": ("close", "reset", "fatal")}
"""Switches with more than two positions, or other ones; the reasons of a hang-up are free text."""
