"""mktxp, a Prometheus exporter that asks for some fifty menus, as it comes: it must bear those we have not."""

import re
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import closing
from importlib.resources import files
from pathlib import Path

from mikrotik.routers import PASSWORD, USER, Router


def test_the_exporter_reads_the_tower(router: Router, tmp_path: Path) -> None:
    router.ask("script", text="/ppp secret add name=mk password=x\n/system identity set name=exported")
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    write_config(router, tmp_path, port)
    command = [Path(sys.executable).parent / "mktxp", "--cfg-dir", str(tmp_path), "export"]
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT) as exporter,
    ):
        try:
            metrics = scrape(f"http://127.0.0.1:{port}/metrics", tmp_path / "log")
        finally:
            exporter.terminate()
    assert re.search(r'mktxp_system_identity_info\{.*name="exported".*\} 1', metrics)
    assert re.search(rf'mktxp_system_uptime\{{.*version="{re.escape(router.version)} \(.*\}} \d', metrics)
    assert re.search(r'mktxp_interface_running\{.*name="ether1".*\} 1', metrics)
    users = [line for line in metrics.splitlines() if line.startswith("mktxp_active_users_info")]
    assert any(f'name="{USER}"' in line and 'via="api"' in line for line in users), users


def write_config(router: Router, folder: Path, port: int) -> None:
    """The exporter's own defaults, with our router in them."""
    shipped = files("mktxp.cli.config")
    text = shipped.joinpath("mktxp.conf").read_text()
    named = f"[tower]\n    hostname = {router.host}\n    port = {router.port}\n"
    text = re.sub(r"\[Sample-Router\].*?\n\n", f"{named}\n", text, flags=re.DOTALL)
    text = text.replace("username = username", f"username = {USER}").replace(
        "password = password", f"password = {PASSWORD}"
    )
    (folder / "mktxp.conf").write_text(re.sub(r"public_ip = True", "public_ip = False", text))
    system = shipped.joinpath("_mktxp.conf").read_text()
    (folder / "_mktxp.conf").write_text(re.sub(r"listen = .*", f"listen = '127.0.0.1:{port}'", system))


def scrape(url: str, log: Path) -> str:
    deadline = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(url, timeout=15) as answer:
                text: str = answer.read().decode()
        except OSError:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        else:
            return text
