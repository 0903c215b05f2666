"""A whole ISP on one machine: simulated router, simulated rail, subscribers, faults and the story."""
