"""What every test shares: how hard properties are tried, and a PostgreSQL for those who ask for one."""

import os

from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.support.postgres"]

settings.register_profile("fast", max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", max_examples=2_000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))
