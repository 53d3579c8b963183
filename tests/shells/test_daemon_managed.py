"""A daemon and the service manager that has started it: systemd's protocol over a real socket, and the unit itself."""

from __future__ import annotations

import configparser
import os
import signal
import socket
from contextlib import suppress
from pathlib import Path

import pytest
from daemons import an_acme

from dr.daemon.manager import ServiceManager

UNIT = Path(__file__).parents[2] / "packaging" / "dr.service"


@pytest.fixture
def acme(sandbox, tmp_path):
    return an_acme(sandbox, tmp_path)


@pytest.fixture
def manager(tmp_path):
    """The address of its socket, and what was said to it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.setblocking(False)
        said = []

        def all_of_it():
            try:
                while True:
                    said.append(heard.recv(4096).decode())
            except BlockingIOError:
                return said

        yield str(tmp_path / "notify"), all_of_it


def test_systemd_is_told_of_the_start_of_life_and_of_the_end(acme, manager):
    address, said = manager
    acme.volume("db")
    with acme.daemon(NOTIFY_SOCKET=address, WATCHDOG_USEC="2000000") as one:
        one.until(
            lambda: any(line.startswith("STATUS=runs the schedules; the next slot is 2") for line in said())
        )
        assert "READY=1" in said()
        one.until(lambda: said().count("WATCHDOG=1") >= 3)
        assert said().count("READY=1") == 1
        assert "STOPPING=1" not in said()
        code, _, _ = one.ended(signal.SIGTERM)
    assert (code, said()[-1]) == (0, "STOPPING=1")


def test_one_that_stands_by_is_ready_and_says_why_it_does_nothing(acme, manager):
    address, said = manager
    (acme.shell.folder / "store").write_text("no folder")
    with acme.daemon(NOTIFY_SOCKET=address) as one:
        one.until(lambda: any(line.startswith("STATUS=stands by: ") for line in said()))
        assert "READY=1" in said()
        assert "WATCHDOG=1" not in said(), "nobody waits for it"


def test_what_is_wrong_from_the_start_is_never_ready(acme, manager):
    address, said = manager
    (acme.shell.folder / "dr.yaml").write_text("name: [")
    assert acme.shell("daemon", environ={"NOTIFY_SOCKET": address}).code == 2
    assert "READY=1" not in said()


def test_a_socket_without_a_file_is_found_and_one_that_is_gone_stops_nothing():
    name = f"dr-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(f"\0{name}")
        told = ServiceManager({"NOTIFY_SOCKET": f"@{name}"}, lambda: 0.0)
        told.does("two\nlines")
        told.does("two\nlines")
        assert heard.recv(100) == b"STATUS=two lines"
        told.ends()
        assert heard.recv(100) == b"STOPPING=1"
    told.ready()


@pytest.mark.parametrize(
    ("environ", "signs"),
    [
        ({"WATCHDOG_USEC": "10000000"}, list(range(11))),
        ({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": str(os.getpid())}, list(range(11))),
        ({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "1"}, []),
        ({"WATCHDOG_USEC": "soon"}, []),
        ({}, []),
    ],
)
def test_signs_of_life_are_given_once_a_second_to_whoever_waits_for_them(tmp_path, environ, signs):
    given = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "s"))
        heard.setblocking(False)
        at = [0]
        told = ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "s"), **environ}, lambda: float(at[0]))
        for second in range(11):
            for part in range(4):
                at[0] = second + part / 4
                told.moves()
            with suppress(BlockingIOError):
                given += [second] if heard.recv(100) == b"WATCHDOG=1" else []
    assert given == signs


def test_the_unit_waits_for_ready_and_gives_the_daemon_nothing_that_it_does_not_need():
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read(UNIT)
    service = unit["Service"]

    assert (service["Type"], service["RestartPreventExitStatus"]) == ("notify", "2")
    assert service["ExecStart"].split()[1:] == ["daemon", "--config", "/etc/dr/dr.yaml"]
    assert service["CapabilityBoundingSet"] == ""
    assert {service[key] for key in ("DynamicUser", "NoNewPrivileges", "PrivateDevices")} == {"yes"}
