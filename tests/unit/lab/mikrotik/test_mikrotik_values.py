"""Values as they are stored: what a router reads back is not what was written."""

import pytest

from lab.mikrotik.errors import BadValueError
from lab.mikrotik.fields import values


@pytest.mark.parametrize(
    ("kind", "written", "read"),
    [
        (values.boolean, "yes", "true"),
        (values.yes_no("default"), "yes", "yes"),
        (values.ip4_block, "10.0.0.5/32", "10.0.0.5"),
        (values.ip4_block, "10.0.0.7/24", "10.0.0.0/24"),
        (values.ip6_prefix, "2001:db8::1", "2001:db8::1/128"),
        (values.queue_targets, "10.0.0.5,ether2", "10.0.0.5/32,ether2"),
        (values.pair(values.rate), "5M/20M", "5000000/20000000"),
        (values.pair(values.rate), "512k", "512000/512000"),
        (values.rate_limit, "2M/5M 4M/10M", "2M/5M 4M/10M"),
        (values.duration(), "90", "1m30s"),
        (values.duration(), "1w2d03:04:05", "1w2d3h4m5s"),
        (values.duration(), "500ms", "500ms"),
        (values.duration("none"), "none", "none"),
        (values.duration(), "0", "0s"),
    ],
)
def test_a_value_reads_back_normalised(kind: values.Kind, written: str, read: str) -> None:
    assert kind(written) == read


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        (values.boolean, "maybe"), (values.ip4, "10.0.0"), (values.number(1, 8), "9"), (values.number(), "-1"),
        (values.rate, "5X"), (values.duration(), ""), (values.duration(), "soon"), (values.ports, "70000"),
        (values.rate_limit, "2M/5M x"), (values.rate_limit, "5M/"),
        (values.ip4_range, "10.0.0.9-10.0.0.1"), (values.host_name, "1.2.3"), (values.enum("a"), "b"),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_refused(kind: values.Kind, written: str) -> None:
    with pytest.raises(BadValueError):
        kind(written)
