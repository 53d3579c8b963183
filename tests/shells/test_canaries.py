"""I23: no secret in what dr says, logs, plans, journals or stores, whatever it is asked to do (FAILURES 3 and 4.3)."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from canaries import Canary, leaks, spellings
from canary_world import (
    BUCKET,
    CANARIES,
    DEFAULT,
    ENDPOINT,
    GIVEN,
    NAME,
    PROXY,
    SCRIPT,
    SIGNATURE,
    STORE,
    TOKEN,
    TYPED,
    CanaryWorld,
)
from conftest import a_shell

PASSWORD = ("--parameter", f"Password={GIVEN.value}", "--parameter", f"BucketName={NAME.value}")
PIN = ("--parameter", "Pin=another-pin-of-no-interest")
COPY = ("restore", "--stack", "vault", "--as", "copy", *PASSWORD, *PIN)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """The whole story, told once: what was said and what is kept is asked of it below."""
    shell = a_shell(tmp_path_factory.mktemp("canaries"))
    assert shell("sandbox", "start", "--pending", "0").code == 0
    try:
        state = json.loads((shell.folder.parent / "sandbox" / "sandbox.json").read_text())
        made = CanaryWorld(shell=shell, url=state["url"])
        made.build()
        _protect(made)
        _mistype(made)
        _restore(made)
        _lose_the_network(made)
        yield made
    finally:
        shell("sandbox", "stop")


def _protect(world):
    for command in ("plan", "apply", "status", "points", "stacks"):
        if command == "plan":
            world.dr("plan", "-o", "plan.json")
        world.dr(command)
        world.dr(command, "--json")
    world.dr("stacks", "vault")
    world.dr("stacks", "vault", "--json")
    world.handler("handlers.tick", {})
    world.handler("handlers.tick", {"polices": TYPED.value})


def _mistype(world):
    """Secrets where none belongs: what is told of it must not repeat them."""
    value = f"Password={TYPED.value}"
    for wrong in (
        ("restore", "vault", value),
        ("restore", "--stack", "vault", "--parameter", TYPED.value),
        ("restore", "--stack", "vault", "--parameter", f"Passwrod={TYPED.value}"),
        ("restore", "--stack", "vault", "--paramter", value),
        ("restore", "--stack", "vault", f"--paramter={value}"),
        (value,),
        ("restore", "--stack", "vault", "--as", "copy"),
    ):
        world.dr(*wrong, code=2)
        world.dr(*wrong, "--json", code=2)
    world.handler("handlers.restore", {"stack": "vault", "parameters": {"Passwrod": TYPED.value}})
    world.handler("handlers.restore", {"stack": "vault", "parameters": [TYPED.value], "names": TYPED.value})


def _restore(world):
    """Planned; failing, because the bucket of the secret name is taken; refused; and done."""
    world.dr(*COPY, "--plan-only")
    world.dr(*COPY, "--plan-only", "--json")
    failing = ("restore", "--stack", "vault", "--as", "failing", "--names", "keep", *PASSWORD, *PIN, "--yes")
    world.dr(*failing, code=1)
    world.dr(*failing, code=1)
    world.dr(*failing[:4], "failing-too", *failing[5:], "--json", code=1)
    world.dr(*COPY, "--yes", "--user-data", "drop")
    world.dr(*COPY[:4], "copy-too", *COPY[5:], "--yes", "--json")
    world.dr("restore", "--stack", "vault", *PASSWORD, *PIN, "--yes", "--json", code=4)
    event = {
        "stack": "vault",
        "parameters": {"Password": GIVEN.value, "BucketName": NAME.value, "Pin": "1234"},
    }
    world.handler("handlers.restore", {**event, "as": "copy-three", "plan_only": True})
    world.handler("handlers.restore", {**event, "as": "failing-three", "names": "keep"})
    world.handler("handlers.restore", {**event, "as": "copy-three"})


def _lose_the_network(world):
    secret = f"admin:{ENDPOINT.value}@"
    for url in (
        f"http://{secret}127.0.0.1:1",
        f"http://{secret}127.0.0.1:notaport",
        f"https://{secret}{world.url.removeprefix('http://')}",
        f"//{secret}127.0.0.1",
        f"http://{secret}no-such-host.invalid",
    ):
        world.dr("plan", code=1, AWS_ENDPOINT_URL=url, AWS_MAX_ATTEMPTS="1")
        world.dr("status", "--json", code=1, AWS_ENDPOINT_URL=url)
    proxy = {
        "HTTPS_PROXY": f"http://admin:{PROXY.value}@127.0.0.1:1",
        "AWS_ENDPOINT_URL": "https://203.0.113.1",
    }
    world.dr("plan", "--json", code=1, **proxy)


def test_the_story_was_told(world):
    """Without this the canaries could be silent because nothing happened."""
    done = next(done for what, done in world.ended.items() if "copy-too" in what).document
    assert (done["result"], len(done["stacks"][0]["data"])) == ("done", 3)
    failed = next(done for what, done in world.ended.items() if "failing-too" in what).document
    assert failed["result"] == "failed"
    assert "already" in json.dumps(failed["findings"])
    assert b"inventory.read" in b"".join(world.said.values())
    kinds = {name.removeprefix(f"s3://{STORE}/dr/").split("/")[0] for name in world.kept()}
    assert {"stacks", "blobs", "restores", "applied", "plan.json", "folder"} <= kinds


def test_what_the_author_wrote_into_the_template_is_kept_there(world):
    """Byte for byte (DESIGN 8): a default, a script, a URL. So the canaries of the exemption are really there."""
    blobs = b"".join(body for name, body in world.kept().items() if "/blobs/" in name)
    assert [one.what for one in (DEFAULT, SCRIPT, SIGNATURE, TOKEN) if one.value.encode() not in blobs] == []


@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary.what)
def test_i23_no_secret_in_what_is_said(world, canary):
    assert leaks(world.said, (canary,)) == []


@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary.what)
def test_i23_no_secret_in_what_is_kept(world, canary):
    places = {
        name: body
        for name, body in world.kept().items()
        if not name.startswith(f"s3://{BUCKET}/child") and name != "policies"
    }
    assert leaks(places, (canary,)) == []


SEEN = {
    "as it is": lambda value: value,
    "JSON": json.dumps,
    "JSON in JSON": lambda value: json.dumps({"a": json.dumps([value])}),
    "URL": lambda value: quote(value, safe=""),
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64, in the middle": lambda value: base64.b64encode(f"a{value}bc".encode()).decode(),
    "base64, elsewhere": lambda value: base64.b64encode(f"ab{value}".encode()).decode(),
    "hexadecimal": lambda value: value.encode().hex(),
}


@pytest.mark.parametrize("how", SEEN)
@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary.what)
def test_a_planted_canary_is_found_in_every_spelling(canary, how):
    places = {"here": f"x{SEEN[how](canary.value)}y".encode(), "there": b"nothing"}
    found = leaks(places, (canary,))
    assert found
    assert all(row.endswith(" in here") for row in found)


def test_a_canary_may_be_where_its_owner_put_it_and_nowhere_else():
    canary = Canary(what="c", value="canary-value", kept_in=("blobs/",))
    places = {"blobs/1": b"canary-value", "stacks/1": b"canary-value"}
    assert leaks(places, (canary,)) == ["c (as it is) in stacks/1"]


def test_no_spelling_is_so_short_that_it_stands_anywhere():
    assert min(len(spelling) for canary in CANARIES for _, spelling in spellings(canary.value)) >= 12
