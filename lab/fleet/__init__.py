"""A fleet of agents that speak the protocol and have no router: for load, storms and revolts of a thousand sites."""
