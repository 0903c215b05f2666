"""What Prometheus may ask of the API, in a registry of its own."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """Counts by route template, never by path, id or tenant: labels must stay few."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        labels = ["method", "route"]
        self._requests = Counter(
            "mnara_http_requests", "Requests answered.", [*labels, "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "mnara_http_request_seconds", "Time to answer.", labels, buckets=_BUCKETS_S, registry=self.registry
        )
        self._refused_tokens = Counter(
            "mnara_http_refused_tokens", "Requests refused with 401.", registry=self.registry
        )

    def observe_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        method = method if method in _METHODS else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)
        if status == 401:
            self._refused_tokens.inc()

    def watch(self, name: str, says: str, value: Callable[[], float]) -> None:
        """Ask for a value at each scrape."""
        Gauge(name, says, registry=self.registry).set_function(value)

    def render(self) -> bytes:
        """Return the text that Prometheus scrapes."""
        return generate_latest(self.registry)


_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
