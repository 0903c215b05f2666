"""`python -m tests.bench NAME`: measure one thing; a table, then one line of JSON."""

import importlib
import sys
from pathlib import Path

KNOWN = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if "def main(" in path.read_text())


def run() -> int:
    """Run the bench named by the first argument."""
    names = [name for name in KNOWN if name != "__main__"]
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    wanted = f"lab_{wanted}" if f"lab_{wanted}" in names else wanted  # `router` measures the simulated one
    if wanted not in names:
        print(f"say which bench: {', '.join(names)}", file=sys.stderr)
        return 2
    bench = importlib.import_module(f"tests.bench.{wanted}")
    return int(bench.main(sys.argv[2:]) or 0)


if __name__ == "__main__":
    sys.exit(run())
