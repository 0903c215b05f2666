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
    keepalive_reason: str = "hung-up"
    """last-disconnect-reason after a peer that answers no keepalive any more."""
    never_seen_reads_1970: bool = True
    """`last-logged-out` of a secret that never logged in reads the first of January 1970, else it is absent."""
    pool_gives_lowest: bool = True
    """A pool gives the lowest free address, else the one freed longest ago."""
    import_reads_whole: bool = False
    """`/import` reads a file to its end before the first command runs (what is written wrong then stops all of it)."""
    full_config_log: bool = True
    """From `CONFIG_LOG_SINCE` on a configuration change is logged with the road it came by and the command."""
