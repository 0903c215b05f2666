"""Runs the integration tests and the story against Debian's mosquitto and PostgreSQL 15, installed where it can."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from lab.debian import MissingPackage, debian_postgres, missing_packages, require_packages

TESTED = ["tests/integration", "tests/scenarios"]


def install_missing() -> None:
    """Install what is missing if this user may; otherwise say which package is missing, and stop."""
    missing = missing_packages()
    if missing and os.geteuid() == 0:
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *missing]):
            subprocess.run(["apt-get", *command], env=environment, check=True, stdout=subprocess.DEVNULL)
    try:
        require_packages()
    except MissingPackage as error:
        sys.exit(str(error))


def main() -> None:
    """Exit with the first status that is not 0."""
    install_missing()
    with tempfile.TemporaryDirectory(prefix="mnara-real-") as folder:
        Path(folder).chmod(0o755)
        with debian_postgres(Path(folder) / "pg") as server:
            print("tests against PostgreSQL 15 and mosquitto", flush=True)
            environment = os.environ | {"MNARA_TEST_DATABASE_URL": server.url, "MNARA_TEST_BROKER": "mosquitto"}
            pytest = [sys.executable, "-m", "pytest", "-m", "not long", *TESTED, *sys.argv[1:]]
            status = subprocess.run(pytest, env=environment, check=False).returncode
    if status == 0:
        print("the story against PostgreSQL 15 and mosquitto", flush=True)
        story = [str(Path(sys.executable).parent / "mnara-lab"), "demo", "--exit", "--servers", "debian"]
        status = subprocess.run(story, check=False).returncode
    sys.exit(status)


if __name__ == "__main__":
    main()
