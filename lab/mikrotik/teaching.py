"""What `mnara-lab router --help` teaches; a test types it."""

HELP = """Run a simulated MikroTik until interrupted.

It speaks the RouterOS API and answers what a router would: secrets, PPPoE sessions, address lists, a firewall that
lets a packet pass or not. When it listens it prints one JSON line: its ports, and HOST:PORT of its control door,
where the world around it is played.

Five minutes with it:

\b
  mnara-lab router --control 127.0.0.1:7000 &
  export MNARA_LAB_AT=127.0.0.1:7000

\b
  # a profile, an expired profile, a subscriber, as at the router's console
  mnara-lab ask script text='
  /ip pool add name=p ranges=100.64.0.10-100.64.0.99
  /ppp profile add name=paid local-address=100.64.0.1 remote-address=p
  /ppp profile add name=expired local-address=100.64.0.1 remote-address=p \\
      address-list=expired
  /ppp secret add name=w1 password=x profile=paid'

\b
  mnara-lab ask dial user=w1 password=x        # he is online
  mnara-lab ask reach user=w1 to=203.0.113.9   # his packet passes

\b
  # wall him: before all other rules a reject, then the other profile
  mnara-lab ask script text='/ip firewall filter add chain=forward \\
      action=reject src-address-list=expired place-before=*1
  /ppp secret set w1 profile=expired'
  mnara-lab ask reach user=w1 to=203.0.113.9   # passes still: edits leave
  mnara-lab ask hangup user=w1                 # sessions alone, so end it
  mnara-lab ask redial user=w1
  mnara-lab ask reach user=w1 to=203.0.113.9   # no: the first rule

\b
  mnara-lab ask fault kind=trap-write menu=/ppp/secret nth=3
  mnara-lab ask help                           # what else the door knows
  mnara-lab watch                              # follow what happens

Trouble from the start:

\b
  mnara-lab router --delay-ms 20 --loss 0.05 --fault slow-print,rows_per_s=500
  mnara-lab router --version 6.49.18 --fault trap-write,menu=/ppp/secret,nth=3

Any RouterOS client may be pointed at it, user admin without a password.
"""
