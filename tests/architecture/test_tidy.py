"""Style that fails the build: sizes, first sentences, reasons beside exceptions, names, words out of place."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("protocol", "cloud", "edge_agent", "provisioning", "lab")
FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = 500
BANNED_MODULES = {"utils", "util", "helpers", "common", "manager", "base_classes", "misc"}
TOP_LEVEL = {*ROOMS, "deploy", "tests", "docs", "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"} | {
    "pyproject.toml",
    "Makefile",
    "requirements.lock",
}

# Each with its reason: files that may be longer, functions that may be longer.
LONGER_FILES: dict[str, str] = {}
LONGER_FUNCTIONS: dict[str, str] = {}
# A migration is a record of what was done on a day: as long as that was, and never edited.
RECORDS = ROOT / "cloud/db/migrations/versions"


def tracked(*, new_too: bool = True) -> list[Path]:
    new = ["--others", "--exclude-standard"] if new_too else []
    listing = subprocess.run(
        ["git", "ls-files", "--cached", *new],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / line for line in listing.stdout.splitlines() if (ROOT / line).is_file()]


def sources() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".py" and path.parent != RECORDS]


def shipped() -> list[Path]:
    return [path for path in sources() if path.relative_to(ROOT).parts[0] in ROOMS]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_no_file_outgrows_one_idea() -> None:
    long = [name_of(path) for path in sources() if len(path.read_text().splitlines()) > FILE_LINES_MAX]
    assert set(long) == set(LONGER_FILES), "split it by meaning, or give its reason in LONGER_FILES"


def test_no_function_outgrows_a_screen() -> None:
    long = {
        f"{name_of(path)}::{node.name}"
        for path in sources()
        for node in functions(path)
        if (node.end_lineno or node.lineno) - node.lineno + 1 > FUNCTION_LINES_MAX
    }
    assert long == set(LONGER_FUNCTIONS), "split it, or give its reason in LONGER_FUNCTIONS"


def test_every_module_starts_with_a_sentence() -> None:
    silent = []
    for path in shipped():
        said = ast.get_docstring(ast.parse(path.read_text())) or ""
        if not re.match(r"\S.*[.:!?)]", said.split("\n\n")[0].replace("\n", " ")):
            silent.append(name_of(path))
    assert silent == []


def test_every_exception_to_a_rule_says_why() -> None:
    bare = []
    for path in sources():
        for number, line in enumerate(path.read_text().splitlines(), 1):
            exempt = re.search(r"#\s*(noqa: [A-Z0-9, ]+|type: ignore\[[\w, -]+\]|pragma: no cover)(.*)$", line)
            if exempt and not re.match(r"\s*[#-]\s*\S+", exempt[2]):
                bare.append(f"{name_of(path)}:{number}")
    assert bare == []


def test_no_module_is_named_for_nothing() -> None:
    assert [name_of(path) for path in shipped() if path.stem in BANNED_MODULES] == []


def test_the_top_level_holds_the_map_and_nothing_else() -> None:
    # Not what is new: a figure file that somebody had written here is his own business.
    found = {path.relative_to(ROOT).parts[0] for path in tracked(new_too=False)}
    assert {name for name in found if not name.startswith(".")} - TOP_LEVEL == set()


def test_no_registry_host_and_no_home_folder_is_named() -> None:
    hosts = re.compile(r"py[p]i\.org|python[h]osted\.|registry\.n[p]mjs|[d]eb\.debian\.org|/r[o]ot/\.|/[h]ome/\w+/")
    named = []
    for path in tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        if hosts.search(text):
            named.append(name_of(path))
    assert named == []


def test_the_lock_carries_hashes_and_no_addresses() -> None:
    for lock in (ROOT / "requirements.lock", ROOT / "deploy/edge/requirements.lock"):
        text = lock.read_text()
        assert "://" not in text
        assert text.count("--hash=sha256:") > 10


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_ships_its_types(room: str) -> None:
    assert (ROOT / room / "py.typed").exists()
