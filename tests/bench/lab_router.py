"""The simulated router at scale: 10,000 secrets and 5,000 sessions, printed and written over a real socket.

The router runs in a process of its own and the client is raw: it counts the ends of sentences and takes nothing apart,
so that what is measured is the router. A real RB5009 is planned with at 8,000 rows a second (a hEX was measured by
others at 1,880 rows in 1.2 s; an RB5009 is taken for five of it).
"""

import argparse
import asyncio
import multiprocessing
import resource
import socket
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection

import uvloop

from lab.mikrotik.network.server import serve
from lab.mikrotik.router import Router, Setup
from lab.mikrotik.wire import encode_sentence
from tests.bench.figures import Row, percentile, show

SECRETS = 10_000
SESSIONS = 5_000
SETS = 1_000
ROUNDS = 5
RB5009_ROWS_PER_S = 8_000
DIAL_LIMIT_MS = 500.0
DONE = b"\x05!done\x00"
ROW = b"\x03!re"
PRINTS = {
    "secrets": ("/ppp/secret/print", "=.proplist=.id,name,profile,disabled,comment"),
    "active": ("/ppp/active/print", "=.proplist=.id,name,address,caller-id,uptime"),
    "queue": ("/queue/simple/print", "=.proplist=.id,name,target,max-limit,bytes,rate"),
    "interface": ("/interface/print", "=.proplist=.id,name,type,running,rx-byte,tx-byte"),
}


def main(arguments: Sequence[str]) -> int:
    """Measure, and print the table and the figures."""
    parser = argparse.ArgumentParser(prog="tests.bench lab_router")
    parser.add_argument("--secrets", type=int, default=SECRETS)
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    parser.add_argument("--habit", default="browsing", help="how the subscribers use their lines")
    wish = parser.parse_args(arguments)
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_router, args=(there, wish), daemon=True)
    process.start()
    try:
        _measure(here)
    finally:
        here.send("stop")
        process.join(10)
    return 0


def _router(pipe: Connection, wish: argparse.Namespace) -> None:
    """The child: a filled router that serves until told to stop."""
    uvloop.run(_serve(pipe, wish))


async def _serve(pipe: Connection, wish: argparse.Namespace) -> None:
    router = _filled(wish)
    started = time.process_time()  # on one core: what others take of it meanwhile is not the router's
    for at in range(wish.sessions):
        router.dial(f"subscriber{at}", "secret")
    dial_s = time.process_time() - started
    async with serve(router) as server:
        pipe.send({"port": server.port, "dial_s": dial_s, "sessions": wish.sessions})
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, pipe.recv)  # "memory"
        pipe.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        await loop.run_in_executor(None, pipe.recv)  # "stop"


def _filled(wish: argparse.Namespace) -> Router:
    router = Router(Setup(habit=wish.habit))
    add, table = router.editor.add, router.tables.get
    add(table("/ip/pool"), {"name": "homes", "ranges": "100.64.0.10-100.64.63.254"})
    add(table("/ppp/profile"), {
        "name": "plan", "rate-limit": "2M/5M 4M/10M 1M/2M 8/8", "remote-address": "homes",
        "local-address": "100.64.0.1", "address-list": "online", "only-one": "yes",
    })  # fmt: skip
    secrets = table("/ppp/secret")
    for at in range(wish.secrets):
        add(secrets, {
            "name": f"subscriber{at}", "password": "secret", "profile": "plan", "comment": f"account {at:05}",
        })  # fmt: skip
    return router


def _measure(pipe: Connection) -> None:
    born = pipe.recv()
    client = _Client(born["port"])
    figures: dict[str, float] = {}
    rows = [Row("all sessions dialled", born["dial_s"] * 1_000, "ms", DIAL_LIMIT_MS)]
    for name, words in PRINTS.items():
        rates = [client.rows_per_s(*words) for _ in range(ROUNDS)]
        figures[f"{name}_rows_per_s"] = round(percentile(rates, 0.5))
        slowest = RB5009_ROWS_PER_S / percentile(rates, 0.5)
        rows.append(Row(f"{words[0]} of {client.rows} rows, rows a second", figures[f"{name}_rows_per_s"], "1/s"))
        rows.append(Row("    share of the time an RB5009 would take", slowest, "", 1.0))
    figures["dials_per_s"] = round(born["sessions"] / born["dial_s"])
    figures["sets_per_s"] = round(client.sets_per_s())
    pipe.send("memory")
    figures["rss_mib"] = round(pipe.recv())
    rows.append(Row("/ppp/secret/set, one after the other", figures["sets_per_s"], "1/s"))
    rows.append(Row("memory of the whole process at most", figures["rss_mib"], "MiB"))
    show("The simulated router", rows, figures)


class _Client:
    """Bytes in, ends of sentences counted."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rows = 0
        self._talk("/login", "=name=admin", "=password=")

    def rows_per_s(self, *words: str) -> float:
        started = time.perf_counter()
        self.rows = self._talk(*words).count(ROW)
        return self.rows / (time.perf_counter() - started)

    def sets_per_s(self) -> float:
        started = time.perf_counter()
        for at in range(SETS):
            self._talk("/ppp/secret/set", f"=.id=subscriber{at}", f"=comment=round {at}")
        return SETS / (time.perf_counter() - started)

    def _talk(self, *words: str) -> bytes:
        self._socket.sendall(encode_sentence(list(words)))
        parts: list[bytes] = []
        tail = b""
        while not tail.endswith(DONE):
            part = self._socket.recv(1 << 18)
            if not part:
                raise EOFError("the router hung up")
            parts.append(part)
            tail = (tail + part)[-len(DONE) :]
        return b"".join(parts)
