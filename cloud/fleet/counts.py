"""What the fleet counts, for /metrics."""

from prometheus_client import Counter, Gauge

SENT = Counter("mnara_fleet_sent_total", "Desired states sent to sites", ["kind"])
TAKEN = Counter("mnara_fleet_taken_total", "Messages of agents taken in", ["kind"])
REFUSED = Counter("mnara_fleet_refused_total", "Messages of agents that changed nothing", ["code"])
LINK_UP = Gauge("mnara_fleet_link_up", "1 while the cloud is connected to the broker")
