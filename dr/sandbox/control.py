"""The server's own endpoints under /_dr/, beside the AWS API: what a person or a test may do to the world.

    GET  /_dr/health                      {"ok", "pid", "moto"}
    GET  /_dr/clock                       {"now"}
    POST /_dr/clock    {"advance": s}     {"now"}; whole or fractional seconds, never negative
    GET  /_dr/settings                    {"pending_seconds", "step_seconds"}
    POST /_dr/settings {...}              the same, changed
    POST /_dr/reset                       an empty account; the clock and the settings stay
    POST /_dr/state    {"id", "state"}    a snapshot or image fails (or recovers): error, failed, completed, available

Only the server's own machine can reach them: it binds 127.0.0.1.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from moto.moto_api._internal.models import moto_api_backend

from dr.sandbox.clock import clock
from dr.sandbox.corrections import ec2_states
from dr.sandbox.world import MOTO, lock, settings

PREFIX = "/_dr/"

Answer = tuple[int, dict[str, Any]]


def answer(verb: str, path: str, body: bytes) -> Answer:
    """The status and the JSON document for one control request."""
    endpoint = _ENDPOINTS.get((verb, path.removeprefix(PREFIX)))
    if endpoint is None:
        return 404, {"error": f"there is no {verb} {path}"}
    try:
        given = json.loads(body or b"{}")
        with lock:
            return 200, endpoint(given)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        return 400, {"error": f"{verb} {path}: {error!r}"}


def _health(given: dict[str, Any]) -> dict[str, Any]:
    return {"ok": True, "pid": os.getpid(), "moto": MOTO}


def _clock(given: dict[str, Any]) -> dict[str, Any]:
    return {"now": clock.now().isoformat()}


def _advance(given: dict[str, Any]) -> dict[str, Any]:
    return {"now": clock.advance(dt.timedelta(seconds=float(given["advance"]))).isoformat()}


def _settings(given: dict[str, Any]) -> dict[str, Any]:
    return asdict(settings)


def _change_settings(given: dict[str, Any]) -> dict[str, Any]:
    wanted = {name: float(value) for name, value in given.items()}
    if unknown := wanted.keys() - asdict(settings).keys():
        raise ValueError(f"unknown settings {sorted(unknown)}")
    if any(not 0 <= value < float("inf") for value in wanted.values()):
        raise ValueError("settings are seconds, 0 or more")
    for name, value in wanted.items():
        setattr(settings, name, value)
    return asdict(settings)


def _reset(given: dict[str, Any]) -> dict[str, Any]:
    moto_api_backend.reset()
    return {"ok": True}


def _state(given: dict[str, Any]) -> dict[str, Any]:
    ec2_states.change(str(given["id"]), str(given["state"]))
    return {"ok": True}


_ENDPOINTS: dict[tuple[str, str], Callable[[dict[str, Any]], dict[str, Any]]] = {
    ("GET", "health"): _health,
    ("GET", "clock"): _clock,
    ("POST", "clock"): _advance,
    ("GET", "settings"): _settings,
    ("POST", "settings"): _change_settings,
    ("POST", "reset"): _reset,
    ("POST", "state"): _state,
}
