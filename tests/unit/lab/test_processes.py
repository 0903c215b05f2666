"""Programs are started, watched, killed and restarted; waiting ends with what was awaited and what was seen."""

import os
import sys
from pathlib import Path

import pytest

from lab.errors import NotSeen, ProgramFailed
from lab.processes import Program, free_port, kill_process, run_for_json, run_once, tail
from lab.waiting import until


def python(*lines: str) -> list[str]:
    return [sys.executable, "-c", "\n".join(lines)]


async def running(program: Program) -> None:
    async def text() -> str:
        return tail(program.log)

    await until("the program to speak", text, lambda said: "up" in said, limit_s=10)


async def test_a_program_is_stopped_by_asking(tmp_path: Path) -> None:
    lines = ("import signal, sys", "signal.signal(15, lambda *_: sys.exit(0))", "print('up')", "signal.pause()")
    program = Program("polite", python(*lines), folder=tmp_path, env={})
    await program.start()
    await running(program)
    assert await program.stop()
    assert not program.alive


async def test_a_program_that_does_not_listen_is_killed_after_the_limit(tmp_path: Path) -> None:
    lines = ("import signal", "signal.signal(15, signal.SIG_IGN)", "print('up')", "while True: signal.pause()")
    program = Program("deaf", python(*lines), folder=tmp_path, env={})
    await program.start()
    await running(program)
    assert not await program.stop(limit_s=0.2)
    assert not program.alive


async def test_killed_and_started_again_it_appends_to_the_same_log(tmp_path: Path) -> None:
    program = Program(
        "again", python("import os, signal", "print('up', os.getpid())", "signal.pause()"), folder=tmp_path, env={}
    )
    await program.start()
    await running(program)
    first = program.pid
    await program.kill()
    await program.start()

    async def text() -> str:
        return tail(program.log)

    await until("both starts", text, lambda said: said.count("up") == 2, limit_s=10)
    assert program.pid != first
    await program.kill()


async def test_a_program_that_ended_by_itself_is_told_with_its_last_words(tmp_path: Path) -> None:
    program = Program("frail", python("raise SystemExit('no such thing')"), folder=tmp_path, env={})
    await program.start()

    async def ended() -> bool:
        return not program.alive

    await until("the end", ended, bool, limit_s=10)
    with pytest.raises(ProgramFailed, match="no such thing"):
        program.check()


async def test_the_environment_is_handed_over_and_json_is_read_back() -> None:
    argv = python("import json, os", "print('log line')", "print(json.dumps({'x': os.environ['MNARA_TEST']}))")
    assert await run_for_json(argv, env={"MNARA_TEST": "7"}) == {"x": "7"}


async def test_a_failing_command_is_told_without_its_password() -> None:
    argv = [*python("raise SystemExit('broken')"), "--password", "hush"]
    with pytest.raises(ProgramFailed, match="broken") as failure:
        await run_once(argv, env={})
    assert "hush" not in str(failure.value)


async def test_waiting_ends_with_what_was_seen_last() -> None:
    async def look() -> int:
        return 41

    with pytest.raises(NotSeen, match=r"waited 0.1 s for the answer; the last thing seen was: 41"):
        await until("the answer", look, lambda seen: seen == 42, limit_s=0.1, every_s=0.01)


async def test_a_door_that_is_closed_for_now_is_tried_again() -> None:
    tries = iter([ConnectionRefusedError("closed"), None])

    async def look() -> bool:
        if (trouble := next(tries)) is not None:
            raise trouble
        return True

    assert await until("the door", look, bool, limit_s=1, every_s=0.01)


def test_free_ports_are_free_and_killing_the_dead_is_harmless() -> None:
    assert free_port() > 1023
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    kill_process(child)
