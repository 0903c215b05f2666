"""Queue trees and the kinds of queues, with the rows every router comes with."""

from lab.mikrotik.fields.schema import COMMENT, DISABLED, Field, Menu, Unique, flag
from lab.mikrotik.fields.values import duration, enum, number, rate, several, size, text

TREE = Menu(
    path="/queue/tree",
    name_field="name",
    auto_name="queue",
    indexed=("parent",),
    unique=(Unique(("name",), "failure: already have such name"),),
    fields=(
        Field("name"),
        Field("parent", required=True),
        Field("packet-mark", default=""),
        Field("limit-at", rate, default="0"),
        Field("queue", default="default-small", refers="/queue/type"),
        Field("priority", number(1, 8), default="8"),
        Field("max-limit", rate, default="0"),
        Field("burst-limit", rate, default="0"),
        Field("burst-threshold", rate, default="0"),
        Field("burst-time", duration(), default="0s"),
        Field("bucket-size", text, default="0.1"),
        *(Field(name, read_only=True, default="0") for name in (
            "bytes", "packets", "dropped", "rate", "packet-rate", "queued-packets", "queued-bytes",
        )),
        flag("invalid"),
        DISABLED,
        COMMENT,
    ),
)  # fmt: skip

_KINDS = ("bfifo", "pfifo", "red", "sfq", "pcq", "mq-pfifo", "none", "codel", "fq-codel", "cake")
# What a queue of each kind starts with. Values of RouterOS 7; 6 is believed to have the same.
_STARTS: dict[str, dict[str, str]] = {
    "bfifo": {"bfifo-limit": "15000"},
    "pfifo": {"pfifo-limit": "50"},
    "mq-pfifo": {"mq-pfifo-limit": "50"},
    "red": {
        "red-limit": "60", "red-min-threshold": "10", "red-max-threshold": "50", "red-burst": "20",
        "red-avg-packet": "1000",
    },
    "sfq": {"sfq-perturb": "5", "sfq-allot": "1514"},
    "pcq": {
        "pcq-rate": "0", "pcq-limit": "50KiB", "pcq-classifier": "", "pcq-total-limit": "2000KiB",
        "pcq-burst-rate": "0", "pcq-burst-threshold": "0", "pcq-burst-time": "10s", "pcq-src-address-mask": "32",
        "pcq-dst-address-mask": "32", "pcq-src-address6-mask": "128", "pcq-dst-address6-mask": "128",
    },
    "codel": {"codel-limit": "1000", "codel-target": "5ms", "codel-interval": "100ms", "codel-ecn": "false"},
    "fq-codel": {
        "fq-codel-limit": "10240", "fq-codel-flows": "1024", "fq-codel-target": "5ms", "fq-codel-interval": "100ms",
        "fq-codel-quantum": "1514", "fq-codel-memlimit": "32.0MiB", "fq-codel-ecn": "true",
    },
    "cake": {
        "cake-flowmode": "triple-isolate", "cake-diffserv": "diffserv3", "cake-ack-filter": "none", "cake-atm": "none",
        "cake-overhead": "0", "cake-rtt": "100ms", "cake-rtt-scheme": "none", "cake-memlimit": "0",
    },
    "none": {},
}  # fmt: skip


def _parameters(row: dict[str, str], written: dict[str, str]) -> dict[str, str]:
    """The parameters of a kind that were not written."""
    if "kind" not in written:
        return {}
    return {name: row.get(name, start) for name, start in _STARTS[row["kind"]].items()}


def _builtin(name: str, kind: str, **more: str) -> dict[str, str]:
    own = {key.replace("_", "-"): value for key, value in more.items()}
    return {"name": name, "kind": kind, "default": "true"} | _STARTS[kind] | own


TYPE = Menu(
    path="/queue/type",
    name_field="name",
    unique=(Unique(("name",), "failure: already have such name"),),
    held_message="failure: queue type is in use",
    derive=_parameters,
    builtin=tuple(
        enumerate(
            (
                _builtin("default", "pfifo"),
                _builtin("ethernet-default", "pfifo"),
                _builtin("wireless-default", "sfq"),
                _builtin("synchronous-default", "red"),
                _builtin("hotspot-default", "sfq"),
                _builtin("pcq-upload-default", "pcq", pcq_classifier="src-address"),
                _builtin("pcq-download-default", "pcq", pcq_classifier="dst-address"),
                _builtin("only-hardware-queue", "none"),
                _builtin("multi-queue-ethernet-default", "mq-pfifo"),
                _builtin("default-small", "pfifo", pfifo_limit="10"),
            ),
            start=1,
        )
    ),
    fields=(
        Field("name", required=True),
        Field("kind", enum(*_KINDS), required=True),
        Field("pfifo-limit", number()),
        Field("bfifo-limit", number()),
        Field("pcq-rate", rate),
        Field("pcq-limit", size),
        Field("pcq-classifier", several(enum("src-address", "dst-address", "src-port", "dst-port"))),
        Field("pcq-total-limit", size),
        flag("default", absent_when_false=True),
    ),
)

MENUS = (TREE, TYPE)
