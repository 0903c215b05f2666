"""What is believed of hosts, leases and the hotspot but was not verified on a router: each belief is a switch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Assumed:
    """One switch per unverified behaviour; the defaults are what is held to be likely."""

    cookies_survive_reboot: bool = True
    """/ip/hotspot/cookie rows are on flash."""
    hotspot_counters_survive_reboot: bool = True
    """Users' totals are on flash; what a power cut takes is what was not yet added at a logout."""
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
