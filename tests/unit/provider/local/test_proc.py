# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import replace

from gateway.process_identity import ProcessIdentity, identify
from provider.local.proc import (
    command_of,
    has_marker,
    is_alive,
    listeners,
    session_members,
)
from tests.support.ports import free_ports
from tests.support.waiting import eventually


def ours() -> ProcessIdentity:
    identity = identify(os.getpid())
    assert identity is not None
    return identity


def test_a_process_is_itself_and_not_one_of_another_time_or_boot() -> None:
    assert is_alive(ours())
    assert not is_alive(replace(ours(), started=ours().started - 1))
    assert not is_alive(replace(ours(), boot="another"))


def test_a_zombie_is_no_process() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert identify(child.pid) is None
    child.wait()


def test_a_pid_that_leads_another_session_by_now_has_no_members_of_ours() -> None:
    assert session_members(replace(ours(), started=1), "NAME=value") == []
    assert session_members(replace(ours(), boot="another"), "NAME=value") == []


def test_a_marker_is_a_whole_variable() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", "input()"],
        stdin=subprocess.PIPE,
        env={"NAME": "value"},
        start_new_session=True,
    )
    with child:
        eventually(lambda: has_marker(child.pid, "NAME=value"))
        eventually(lambda: not has_marker(child.pid, "NAME=val"))
        child.communicate(b"\n")


def test_the_listeners_on_a_port_are_found() -> None:
    (free,) = free_ports(1)
    assert listeners(free) == []
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family) as listening:
            listening.bind((address, free))
            assert listeners(free) == []
            listening.listen()
            assert listeners(free) == [os.getpid()]


def test_a_command_is_shown_without_its_arguments() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", "input()", "planted-secret"], stdin=subprocess.PIPE
    )
    with child:
        eventually(lambda: command_of(child.pid) == os.path.basename(sys.executable))
        child.communicate(b"\n")
    assert command_of(child.pid) == ""
