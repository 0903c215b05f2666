"""Who is on the network, and whether a packet passes: stations, rules in their order, NAT, tracked connections."""
