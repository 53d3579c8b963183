"""`dr daemon` as a person meets it: real processes at the sandbox."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
from dataclasses import replace

import pytest
from daemons import CONFIG, POLICY, STACKS, an_acme, leading
from many_accounts import door


@pytest.fixture
def acme(sandbox, tmp_path):
    return an_acme(sandbox, tmp_path)


def test_once_is_one_tick_that_gives_its_lease_back(acme):
    volume = acme.volume("db")
    done = acme("daemon", "--once", "--json")
    assert (done.code, done.document["summary"]["done"], acme.captured()) == (0, 1, [volume]), done
    again = acme("daemon", "--once", "--json")
    assert (again.code, again.document["summary"]["done"]) == (0, 0), again
    assert not (acme.shell.folder / "store" / "leases" / "daemon").exists()


def test_one_tick_answers_on_no_port(acme):
    done = acme("daemon", "--once", "--port", "0", "--json")
    assert (done.code, done.error["message"]) == (2, "--port: one tick answers nobody")


def test_it_captures_reads_new_policies_lives_through_broken_ones_and_ends_when_it_is_told_to(acme):
    first = acme.volume("db")
    with acme.daemon() as one:
        one.until(lambda: acme.captured() == [first])
        second = acme.volume("files")
        acme.protect("files")
        one.until(lambda: acme.captured() == sorted([first, second]))
        one.until(lambda: len(one.said("tick.finished")) >= 2)

        acme.protect("broken", "keep: nothing\n")
        (broken,) = one.until(lambda: one.said("files.broken"))
        assert "broken.yaml" in broken["why"]
        ticks = len(one.said("tick.finished"))
        one.process.send_signal(signal.SIGHUP)
        one.until(lambda: len(one.said("tick.finished")) > ticks)

        elsewhere = acme.shell.folder.parent / "elsewhere"
        (elsewhere / "policies").mkdir(parents=True)
        (elsewhere / "dr.yaml").write_text(CONFIG.replace("store/", str(acme.shell.folder / "store")))
        (elsewhere / "policies" / "db.yaml").write_text(POLICY.format(name="db"))
        at_fault = ("status", "--json", "--config", elsewhere / "dr.yaml")
        (told,) = [w for w in acme(*at_fault).document["warnings"] if w["code"] == "files-broken"]
        assert f"process {one.process.pid})" in told["message"]
        assert "broken.yaml" in told["message"]

        health = json.loads(one.asked("/healthz"))
        assert (health["alive"], health["leading"], health["standing_by"], health["failed"]) == (
            True,
            True,
            None,
            None,
        )
        assert "broken.yaml" in health["files"]
        assert "dr_files_broken 1.0" in one.asked("/metrics")
        assert one.said("files.sound") == []
        assert health["last_good_tick"] < health["next_slot"]

        (acme.shell.folder / "policies" / "broken.yaml").unlink()
        one.until(lambda: json.loads(one.asked("/healthz"))["files"] is None)
        one.until(lambda: one.said("files.sound"))
        assert "dr_files_broken 0.0" in one.asked("/metrics")
        one.until(lambda: "files-broken" not in acme(*at_fault).out)

        lease = acme.shell.folder / "store" / "leases" / "daemon"
        assert lease.exists()
        code, out, seconds = one.ended(signal.SIGTERM)
    assert (code, json.loads(out)) == (0, {"result": "ended"})
    assert seconds < 30
    assert not lease.exists()
    assert acme.captured() == sorted([first, second])


def test_prometheus_reads_what_it_did_and_how_old_everything_is(acme):
    volume = acme.volume("db")
    acme.protect("db", POLICY + "objectives: {{rpo: 2h}}\n")
    acme.protect("empty")
    with acme.daemon() as one:
        one.until(lambda: acme.captured() == [volume])
        one.until(lambda: one.said("tick.finished"))
        acme.protect("empty", POLICY.replace("keep: {{last: 3}}", "keep: {{last: 4}}"))
        one.until(lambda: len(one.said("tick.finished")) >= 2)
        one.until(lambda: 'dr_newest_good_point_age_seconds{policy="db"}' in one.asked("/metrics"))
        read = {
            line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
            for line in one.asked("/metrics").splitlines()
            if line[0] != "#"
        }

    assert read['dr_captures_total{result="done"}'] == 1
    assert 'dr_ticks_total{result="good"}' in read
    assert (
        0
        <= read['dr_newest_good_point_age_seconds{policy="db"}']
        < 7200
        == read['dr_rpo_seconds{policy="db"}']
    )
    assert read["dr_leading"] == 1
    assert read["dr_aws_calls_total"] > 4
    assert read["dr_aws_throttles_total"] == 0


def test_a_port_that_was_asked_for_has_to_be_free(acme):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = acme.shell("daemon", "--json", "--port", port)
    assert (
        done.code,
        f"127.0.0.1:{port} cannot be listened on" in json.loads(done.out)["error"]["message"],
    ) == (1, True)


def test_of_two_one_works_and_the_other_takes_over_when_it_is_killed(acme):
    first = acme.volume("db")
    with acme.daemon("one") as one, acme.daemon("two") as two:
        leader, other = leading(one, two)
        (waits,) = other.until(lambda: other.said("daemon.standing-by"))
        assert f"process {leader.process.pid}) is running the schedules" in waits["why"]
        once = acme("daemon", "--once", "--json")
        assert (once.code, "is running the schedules" in once.error["message"]) == (5, True)

        leader.process.kill()
        leader.process.wait(10)
        second = acme.volume("files")
        acme.protect("files")  # whoever stands by looks then, and not in a minute only
        other.until(lambda: acme.captured() == sorted([first, second]))
        assert other.said("daemon.leading")


def test_without_a_store_nothing_is_captured_and_with_it_again_everything(acme):
    volume = acme.volume("db")
    store = acme.shell.folder / "store"
    store.write_text("no folder")
    once = acme("daemon", "--once", "--json")
    assert (once.code, acme.captured()) == (1, []), once
    with acme.daemon() as one:
        one.until(lambda: one.said("daemon.standing-by"))
        assert acme.captured() == []
        store.unlink()
        one.process.send_signal(signal.SIGHUP)
        one.until(lambda: acme.captured() == [volume])


@pytest.mark.parametrize("replica", [None, "copy"])
def test_a_leader_that_loses_sight_of_its_store_waits_and_leads_again_when_it_is_back(acme, replica):
    """Also one whose replica holds everything: another may still see the store, and lead there."""
    if replica:
        config = CONFIG.replace("{url: store/}", f"{{url: store/}}, replica: {{url: {replica}/}}")
        (acme.shell.folder / "dr.yaml").write_text(config)
        acme.protect("stacks", STACKS)
        acme.stack("web")
    volume = acme.volume("db")
    store, away = acme.shell.folder / "store", acme.shell.folder / "away"
    with acme.daemon() as one:
        one.until(lambda: one.said("tick.finished"))
        for gone in (
            "no folder",
            None,
        ):  # a file in its place, and an empty folder as under a mount that went
            store.rename(away)
            if gone:
                store.write_text(gone)
            ticks, waits = len(one.said("tick.finished")), len(one.said("daemon.standing-by"))
            one.process.send_signal(signal.SIGHUP)
            one.until(lambda waits=waits: len(one.said("daemon.standing-by")) > waits)
            assert json.loads(one.asked("/healthz"))["leading"] is False
            store.unlink() if gone else shutil.rmtree(store, ignore_errors=True)
            away.rename(store)
            one.process.send_signal(signal.SIGHUP)
            one.until(lambda ticks=ticks: len(one.said("tick.finished")) > ticks)
            assert json.loads(one.asked("/healthz"))["leading"] is True
            assert len(one.said("daemon.leading")) > waits, "what ends an alert on daemon.standing-by"
    assert acme.captured() == [volume]


def test_a_first_tick_that_fails_makes_no_empty_store_of_a_new_one(acme, sandbox):
    volume = acme.volume("db")
    with door(sandbox.url) as opened:
        opened.away = {"ec2", "sts"}
        acme.shell = replace(acme.shell, environ={**acme.shell.environ, "AWS_ENDPOINT_URL": opened.url})
        with acme.daemon() as one:
            one.until(lambda: one.said("tick.failed") or one.said("tick.finished"))
            opened.away = set()
            one.process.send_signal(signal.SIGHUP)
            one.until(lambda: acme.captured() == [volume])
            assert one.said("daemon.standing-by") == []


@pytest.mark.parametrize(
    ("broken", "what"),
    [("dr.yaml", "dr.yaml"), ("policies/db.yaml", "db.yaml")],
)
def test_what_is_broken_from_the_start_is_told_and_nothing_begins(acme, broken, what):
    (acme.shell.folder / broken).write_text("name: [")
    for arguments in (("daemon", "--json"), ("daemon", "--once", "--json")):
        done = acme.shell(*arguments)
        assert done.code == 2
        assert what in json.loads(done.out)["error"]["message"]


def test_a_leader_whose_store_is_silent_ends_when_it_is_told_to(acme, sandbox):
    """Giving its lease back would take two minutes of attempts; it runs out by itself."""
    where = {"LocationConstraint": "eu-west-1"}
    sandbox.client("s3").create_bucket(Bucket="silent-store", CreateBucketConfiguration=where)
    config = CONFIG.replace("{url: store/}", "{url: 's3://silent-store', region: eu-west-1}")
    (acme.shell.folder / "dr.yaml").write_text(config)
    with door(sandbox.url) as opened, acme.daemon(AWS_ENDPOINT_URL=opened.url) as one:
        one.until(lambda: one.said("tick.finished"))
        opened.silent = {"s3"}
        code, out, _seconds = one.ended(signal.SIGTERM)

    assert (code, json.loads(out)) == (0, {"result": "ended"})


def test_a_daemon_that_is_asked_to_end_while_it_reads_ends_at_once(acme):
    assert os.name == "posix"
    with acme.daemon() as one:
        one.until(lambda: one.said("tick.started"))
        code, _, seconds = one.ended(signal.SIGINT)
    assert (code, seconds < 30) == (0, True)
