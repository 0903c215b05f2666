"""Unpacks one collection out of the `ansible` wheel: `python collection.py FOLDER-OF-WHEELS TARGET`."""

import sys
import zipfile
from pathlib import Path

WANTED = ("ansible_collections/community/routeros/meta/", "ansible_collections/community/routeros/plugins/")
FILES = ("ansible_collections/community/routeros/MANIFEST.json",)


def unpack(wheels: Path, target: Path) -> int:
    """How many files were written."""
    (wheel,) = wheels.glob("ansible-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        wanted = [name for name in archive.namelist() if name.startswith(WANTED) or name in FILES]
        archive.extractall(target, wanted)
    return len(wanted)


if __name__ == "__main__":
    if not unpack(Path(sys.argv[1]), Path(sys.argv[2])):
        sys.exit("the collection community.routeros is not in this release of ansible; pin one that has it")
