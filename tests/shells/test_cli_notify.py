"""`dr notify test`, and what a daemon tells people: real topics, webhooks and processes."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from daemons import CONFIG, REGION, an_acme
from listeners import listening_at
from many_accounts import door


@pytest.fixture
def acme(sandbox, tmp_path):
    return an_acme(sandbox, tmp_path)


@pytest.fixture
def listener():
    with listening_at() as found:
        yield found


@pytest.fixture
def topic(sandbox):
    """A topic, and what has arrived in the queue that subscribes it."""
    sns, sqs = sandbox.client("sns"), sandbox.client("sqs")
    arn = sns.create_topic(Name="people")["TopicArn"]
    url = sqs.create_queue(QueueName="people")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue)

    def arrived():
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", ())
        return [json.loads(one["Body"]) for one in found]

    return arn, arrived


def tells(acme, *items):
    (acme.shell.folder / "dr.yaml").write_text(f"{CONFIG}notify: [{', '.join(items)}]\n")


def test_every_target_is_tried_and_each_is_told_of(acme, topic, listener):
    arn, arrived = topic
    tells(acme, f"{{sns: '{arn}'}}", f"{{apprise: 'json://127.0.0.1:{listener.port}/x'}}", f"{{ping: '{listener.url}/p'}}")  # fmt: skip
    done = acme("notify", "test", "--json")

    assert (done.code, done.err) == (0, ""), done
    assert [(row["way"], row["ok"], row["error"]) for row in done.document["targets"]] == [
        (way, True, None) for way in ("sns", "apprise", "ping")
    ]
    (message,) = arrived()
    assert message["Subject"] == "dr acme: test" == listener.titles[0]
    assert "what dr has to say arrives here" in message["Message"]
    assert ("/p", None) in listener.told


def test_one_that_fails_is_exit_1_and_keeps_no_other_from_being_told(acme, listener):
    nowhere = f"arn:aws:sns:{REGION}:123456789012:nowhere"
    tells(acme, f"{{sns: '{nowhere}'}}", f"{{ping: '{listener.url}/p'}}", "{apprise: {env: NO_SUCH}}")
    done = acme("notify", "test")

    assert done.code == 1
    assert f"notify[0] sns {nowhere}: failed: " in done.out
    assert f"notify[1] ping {listener.url.rpartition(':')[0]}: sent" in done.out
    assert "notify[2] apprise $NO_SUCH: failed: the variable is not set\n  set NO_SUCH" in done.out


def test_where_nobody_is_named_there_is_nothing_to_try(acme):
    done = acme("notify", "test", "--json")

    assert (done.code, "notify names nobody" in done.error["message"]) == (2, True)


def test_once_tells_too(acme, listener):
    tells(acme, f"{{apprise: 'json://127.0.0.1:{listener.port}/x'}}", f"{{ping: '{listener.url}/p'}}")
    for _ in range(2):
        assert acme("daemon", "--once").code == 1, "the policy selects nothing"
    assert listener.titles == ["dr acme: 1 failure"]
    acme.volume("db")
    assert acme("daemon", "--once").code == 0
    assert listener.titles == ["dr acme: 1 failure", "dr acme: 1 recovered"]
    assert [path for path, _ in listener.told].count("/p") == 3, "all could be read"


def test_a_daemon_tells_each_change_once_and_a_dead_target_fails_no_tick(acme, sandbox, listener):
    volume = acme.volume("db")
    with door(sandbox.url) as opened:
        opened.away = {"ec2", "sts"}
        acme.shell = replace(acme.shell, environ={**acme.shell.environ, "AWS_ENDPOINT_URL": opened.url})
        tells(acme, "{ping: 'http://127.0.0.1:9/dead'}", f"{{apprise: 'json://127.0.0.1:{listener.port}/x'}}")
        with acme.daemon() as one:
            one.until(lambda: listener.titles == ["dr acme: 1 failure"])
            again(one, "tick.failed")
            opened.away = set()
            one.process.send_signal(signal.SIGHUP)
            one.until(lambda: acme.captured() == [volume])
            one.until(lambda: listener.titles[1:] == ["dr acme: 1 recovered"])
            (dead,) = one.until(lambda: one.said("notify.failed"))
            again(one, "tick.finished")
            assert one.said("notify.failed") == [dead]
            assert "127.0.0.1" in json.loads(one.asked("/healthz"))["untold"]

            acme.protect("broken", "keep: nothing\n")
            one.until(lambda: listener.titles[2:] == ["dr acme: 1 failure"])
            again(one, "tick.finished")
            (acme.shell.folder / "policies" / "broken.yaml").unlink()
            one.until(lambda: listener.titles[3:] == ["dr acme: 1 recovered"])


def again(one, event):
    """One more tick."""
    before = len(one.said(event))
    one.process.send_signal(signal.SIGHUP)
    one.until(lambda: len(one.said(event)) > before)


def test_a_daemon_without_its_store_tells_people_and_what_it_told_is_not_told_again(acme, listener):
    acme.volume("db")
    tells(acme, f"{{apprise: 'json://127.0.0.1:{listener.port}/x'}}")
    store = acme.shell.folder / "store"
    store.write_text("no folder")
    with acme.daemon() as one:
        one.until(lambda: listener.titles == ["dr acme: 1 failure"])
        store.unlink()
        one.process.send_signal(signal.SIGHUP)
        one.until(lambda: listener.titles[1:] == ["dr acme: 1 recovered"])
    assert acme("daemon", "--once").code == 0
    assert len(listener.titles) == 2


def test_in_a_bucket_too_what_was_told_is_kept_for_whoever_ticks_next(acme, sandbox, topic):
    arn, arrived = topic
    sandbox.client("s3").create_bucket(
        Bucket="people-store", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    tells(acme, f"{{sns: '{arn}'}}")
    config = acme.shell.folder / "dr.yaml"
    config.write_text(
        config.read_text().replace("url: store/", f"url: 's3://people-store/dr', region: {REGION}")
    )
    for _ in range(2):
        assert acme("daemon", "--once").code == 1, "the policy selects nothing"

    assert [message["Subject"] for message in arrived()] == ["dr acme: 1 failure"]


def test_a_ping_is_held_back_while_files_are_broken(acme, listener):
    """Its silence is the only word of them where nothing else is named."""
    acme.volume("db")
    tells(acme, f"{{ping: '{listener.url}/p'}}")
    with acme.daemon() as one:
        one.until(lambda: listener.told)
        acme.protect("broken", "keep: nothing\n")
        one.until(lambda: one.said("files.broken"))
        pings = len(listener.told)
        again(one, "tick.finished")
        assert len(listener.told) == pings
        (acme.shell.folder / "policies" / "broken.yaml").unlink()
        one.until(lambda: len(listener.told) > pings)


def test_rule_7_6_who_forgets_to_thaw_is_told_after_a_day_and_when_it_is_over(acme, listener):
    acme.volume("db")
    tells(acme, f"{{apprise: 'json://127.0.0.1:{listener.port}/x', about: [frozen, recovery]}}")
    assert acme("daemon", "--once").code == 0
    assert acme("freeze", "--why", "ticket 17").code == 0
    mark = acme.shell.folder / "store" / "words" / "freezes.json"
    assert acme("daemon", "--once").code == 0
    assert listener.titles == []

    document = json.loads(mark.read_text())
    since = datetime.fromisoformat(document["freezes"][0]["since"]) - timedelta(days=1)
    document["freezes"][0]["since"] = since.isoformat()
    mark.write_text(json.dumps(document))
    for _ in range(2):
        assert acme("daemon", "--once").code == 0
    assert listener.titles == ["dr acme: 1 freeze for more than a day"]
    assert acme("thaw").code == 0
    assert acme("daemon", "--once").code == 0

    assert listener.titles[1:] == ["dr acme: 1 recovered"]
