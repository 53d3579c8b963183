"""Targets are told each change once, by whichever process ticks; one that is away is told later what has changed since."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from listeners import listening_at

from dr import layout
from dr.config import parse_config
from dr.errors import CloudError, EnvironmentFailed, UsageError
from dr.notices.changes import News, Told
from dr.notices.conditions import Condition, Key, Observed, Seen, Trouble
from dr.notices.messages import Message, Severity
from dr.notify.notifier import Memory, Notifier
from dr.notify.targets import each_sending
from dr.store.directory import DirectoryStore
from dr.store.notices import StoreNotices

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
TOPIC, OTHER = (f"arn:aws:sns:eu-west-1:111122223333:{name}" for name in ("one", "two"))
EMPTY = Seen(now=NOON, policies=())
FAILED = Key(Trouble.FAILURE, "capture", "db", "1", "eu-west-1", "vol-1")
IDS = {f"target-{n}" for n in range(3)}
OLD = FAILED._replace(trouble=Trouble.RPO, what="age")


class Set:
    """A clock that shows what it is told; its seconds of waiting may pass faster than real ones."""

    at, haste = NOON, 1

    def now(self):
        return self.at

    def sleep(self, seconds):
        raise AssertionError(seconds)

    def monotonic(self):
        return self.haste * time.monotonic()


class World:
    """An installation's targets and its store; a process is a `Memory`."""

    def __init__(self, folder):
        self.clock, self.folder = Set(), folder
        self.store = DirectoryStore(Path(folder) / "store", self.clock)
        self.got, self.away, self.process = [], set(), Memory()
        self.targets = targets(f"{{sns: '{TOPIC}'}}")

    def tell(self, *wrong, seen=None, blind=False, good=False, process=None):
        def send(target):
            def sent(message):
                if target in self.away:
                    raise EnvironmentFailed(f"{target.name} is away")
                self.got.append((target.number, message.title))

            return sent

        notifier = Notifier(
            "acme",
            {target: send(target) for target in self.targets},
            lambda: StoreNotices(self.store),
            self.clock,
            process or self.process,
        )
        conditions = {key: Condition(key=key, message="AWS said no") for key in wrong}
        before = len(self.got)
        failed = notifier.tell(Observed(conditions=conditions, blind=lambda _: blind), seen, good=good)
        return [title.removeprefix("dr acme: ") for _, title in self.got[before:]], failed


def targets(*items):
    text = (
        f"name: acme\nregions: [eu-west-1]\nstore: {{primary: {{url: s/}}}}\nnotify: [{', '.join(items)}]\n"
    )
    return parse_config(text, "dr.yaml", "/x").notify


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_a_change_is_told_once_by_whichever_process_ticks(world):
    assert world.tell(FAILED) == (["1 failure"], {})
    assert world.tell(FAILED) == ([], {})
    assert world.tell(FAILED, process=Memory()) == ([], {})
    assert world.tell(process=Memory()) == (["1 recovered"], {})
    assert world.tell() == ([], {})


def test_what_is_told_to_whom_is_chosen(world):
    world.targets = targets(
        f"{{sns: '{TOPIC}', about: [rpo]}}", f"{{sns: '{OTHER}', about: [failure, recovery]}}"
    )
    world.tell(FAILED, OLD)
    world.tell()

    assert world.got == [
        (0, "dr acme: 1 objective missed"),
        (1, "dr acme: 1 failure"),
        (1, "dr acme: 1 recovered"),
    ]


def test_who_was_away_is_told_what_has_changed_since_and_keeps_nobody_waiting(world):
    world.targets = targets(f"{{sns: '{TOPIC}'}}", f"{{sns: '{OTHER}'}}")
    first, _ = world.targets
    world.away = {first}
    told, failed = world.tell(FAILED, OLD)
    assert (told, list(failed)) == (["1 failure, 1 objective missed"], [first.id])
    world.tell(FAILED)
    world.away = set()

    assert world.tell(FAILED) == (["1 failure"], {}), "of what came and went meanwhile it hears nothing"


def test_who_is_added_is_told_what_is_wrong_already(world):
    world.tell(FAILED)
    world.targets = targets(f"{{sns: '{TOPIC}'}}", f"{{sns: '{OTHER}'}}")
    world.tell(FAILED)

    assert world.got == [(0, "dr acme: 1 failure"), (1, "dr acme: 1 failure")]


def test_while_the_store_is_away_a_process_remembers_itself_and_the_store_learns_it_later(world):
    away = world.folder / "store"
    away.write_text("no folder")
    told, failed = world.tell(FAILED)
    assert (told, list(failed)) == (["1 failure"], ["store"])
    assert world.tell(FAILED)[0] == []
    away.unlink()

    assert world.tell(FAILED) == ([], {})
    assert world.tell(FAILED, process=Memory()) == ([], {})


def test_what_the_store_knows_is_not_forgotten_by_who_could_not_read_it(world):
    world.tell(FAILED, OLD, seen=EMPTY)
    store, aside = world.folder / "store", world.folder / "aside"
    store.rename(aside)
    store.write_text("no folder")
    fresh = Memory()
    down = FAILED._replace(what="stands-by", policy="", account="", region="", source="")
    assert world.tell(down, blind=True, process=fresh)[0] == ["1 failure"]
    store.unlink()
    aside.rename(store)

    assert world.tell(FAILED, OLD, seen=EMPTY, process=fresh) == (["1 recovered"], {})
    world.clock.at = NOON + timedelta(days=1)
    assert world.tell(FAILED, OLD, seen=EMPTY, process=Memory())[0] == ["digest: 2 troubles go on"]


def test_a_record_of_a_later_dr_is_left_as_it_is(world):
    world.tell(FAILED)
    record = world.folder / "store" / layout.TOLD
    record.write_text('{"format": 2}')
    _, failed = world.tell(OLD, process=Memory())

    assert "is of format 2" in failed["store"].message
    assert record.read_text() == '{"format": 2}'


def test_of_a_target_that_is_named_no_more_nothing_is_kept(world):
    world.tell(FAILED)
    world.targets = targets(f"{{sns: '{OTHER}'}}")
    world.tell(FAILED)

    assert list(StoreNotices(world.store).read()) == [world.targets[0].id]


def test_a_clock_that_was_far_ahead_once_ends_no_digest(world):
    world.clock.at = NOON + timedelta(days=400)
    world.tell(seen=EMPTY)
    world.clock.at = NOON
    assert world.tell(seen=EMPTY)[0] == []
    world.clock.at = NOON + timedelta(days=1)
    assert world.tell(seen=EMPTY)[0] == ["digest: all is well"]


def test_who_wants_no_recoveries_is_told_again_when_it_happens_again(world):
    world.targets = targets(f"{{sns: '{TOPIC}', about: [failure]}}")

    assert [world.tell(*wrong)[0] for wrong in ((FAILED,), (), (FAILED,))] == [
        ["1 failure"],
        [],
        ["1 failure"],
    ]


def test_a_record_that_is_damaged_is_told_and_written_anew(world):
    world.tell(FAILED)
    (world.folder / "store" / layout.TOLD).write_text("{")
    told, failed = world.tell(FAILED, process=Memory())
    assert told == ["1 failure"]
    assert "cannot be read" in failed["store"].message

    assert world.tell(FAILED, process=Memory()) == ([], {})


def test_two_that_write_at_once_lose_nothing_of_each_other(world):
    notices = StoreNotices(world.store)
    writers = [
        threading.Thread(
            target=notices.write, args=({f"target-{n}": News(began={FAILED: NOON}, digest=NOON)}, IDS)
        )
        for n in range(3)
    ]
    for each in writers:
        each.start()
    for each in writers:
        each.join()

    assert notices.read() == {f"target-{n}": Told(since={FAILED: NOON}, digest=NOON) for n in range(3)}


def test_others_that_never_stop_writing_are_told():
    class Busy:
        name = "s3://b"
        get = staticmethod(lambda _key: None)
        put = staticmethod(lambda *_, **__: None)

    with pytest.raises(CloudError, match="others keep writing it"):
        StoreNotices(Busy()).write({"a": News(digest=NOON)}, {"a"})


def test_a_day_is_told_of_once_from_the_morning_on_and_not_on_the_day_of_the_first_tick(world):
    assert world.tell(seen=EMPTY)[0] == []
    titles = []
    for quarter in range(1, 4 * 48):
        world.clock.at = NOON + timedelta(minutes=15 * quarter)
        told = world.tell(seen=EMPTY, process=Memory())[0]
        titles += [(world.clock.at, title) for title in told]

    mornings = [NOON.replace(hour=8) + timedelta(days=n) for n in (1, 2)]
    assert titles == [(at, "digest: all is well") for at in mornings]


def test_a_clock_that_is_set_back_tells_of_no_day_twice(world):
    world.tell(seen=EMPTY)
    world.clock.at = NOON + timedelta(days=1)
    assert world.tell(seen=EMPTY)[0] == ["digest: all is well"]
    world.clock.at = NOON
    assert world.tell(seen=EMPTY)[0] == []
    world.clock.at = NOON + timedelta(days=1)
    assert world.tell(seen=EMPTY)[0] == []


def test_a_digest_tells_of_all_that_is_wrong_also_to_who_asks_for_nothing_else(world):
    world.targets = targets(f"{{sns: '{TOPIC}', about: [digest]}}")
    world.tell(FAILED, seen=EMPTY)
    world.clock.at = NOON + timedelta(days=1)

    assert world.tell(FAILED, seen=EMPTY)[0] == ["digest: 1 trouble goes on"]


def test_a_look_that_came_to_nothing_tells_of_no_day(world):
    world.tell(seen=EMPTY)
    world.clock.at = NOON + timedelta(days=1)

    assert world.tell(FAILED, blind=True)[0] == ["1 failure"]


def test_a_ping_follows_each_good_tick_and_no_other(world):
    world.targets = targets("{ping: 'https://example.com/x'}")
    for good in (True, False, True):
        world.tell(FAILED, good=good)

    assert len(world.got) == 2
    assert not (world.folder / "store" / layout.TOLD).exists()


# --- over HTTP ----------------------------------------------------------------------------------------------------------


def sent(world, listener, *wrong, seen=None, good=False):
    notifier = Notifier(
        "acme",
        each_sending(world.targets, lambda: None, {"CHAT": f"json://127.0.0.1:{listener.port}/chat"}),
        lambda: StoreNotices(world.store),
        world.clock,
        world.process,
    )
    conditions = {key: Condition(key=key, message="AWS said no") for key in wrong}
    failed = notifier.tell(Observed(conditions=conditions, blind=lambda _: False), seen, good=good)
    return [error.message for error in failed.values()]


def test_a_webhook_and_a_watcher_of_jobs_are_reached(world):
    with listening_at() as listener:
        world.targets = targets("{apprise: {env: CHAT}}", f"{{ping: '{listener.url}/alive'}}")
        assert sent(world, listener, FAILED, good=True) == []

    assert sorted(path for path, _ in listener.told) == ["/alive", "/chat"]
    assert listener.titles == ["dr acme: 1 failure"]
    assert "capture" not in listener.titles[0]


def test_pagers_are_told_how_urgent_it_is(world):
    """By apprise's own types, which a plug-in maps to its service's: a failure must not arrive as `info`."""
    blocked = FAILED._replace(trouble=Trouble.BLOCKED)
    with listening_at() as listener:
        world.targets = targets("{apprise: {env: CHAT}}")
        for wrong in ((FAILED,), (FAILED, blocked), (blocked,), ()):
            assert sent(world, listener, *wrong) == []

    assert [message["type"] for _, message in listener.told] == ["failure", "warning", "success", "success"]


def test_what_they_answer_is_told_without_the_secret_of_their_address(world):
    with listening_at() as listener:
        listener.status = 500
        world.targets = targets(
            "{apprise: {env: CHAT}}",
            f"{{ping: '{listener.url}/s3cr3t'}}",
            f"{{apprise: 'json://me:s3cr3t@127.0.0.1:{listener.port}/s3cr3t'}}",
        )
        failed = sent(world, listener, FAILED, good=True)

    assert len(failed) == 3
    assert all("500" in why for why in failed), failed
    assert "s3cr3t" not in "".join(failed)


def test_an_address_in_the_environment_is_sent_nothing_in_the_clear():
    (target,) = targets("{apprise: {env: CHAT}}")
    send = each_sending((target,), lambda: None, {"CHAT": "json://hooks.example.com/s3cr3t"})[target]

    with pytest.raises(UsageError, match="would be sent in the clear") as caught:
        send(Message(title="t", body="b", severity=Severity.INFO))
    assert caught.value.remedy == "correct CHAT"


def test_one_that_hangs_is_left_after_some_seconds_and_asked_nothing_new_until_it_answers(world):
    with listening_at() as listener:
        world.targets = targets(f"{{ping: '{listener.url}/x'}}")
        listener.hangs.set()
        world.clock.haste = 30
        (why,) = sent(world, listener, good=True)
        assert "no answer within 15 seconds" in why
        assert ["no answer within 15 seconds" in why for why in sent(world, listener, good=True)] == [True]
        assert (listener.asked, threading.active_count() < 20) == (1, True)


def test_a_ping_follows_nobody_elsewhere(world):
    with listening_at() as listener:
        listener.status = 302
        world.targets = targets(f"{{ping: '{listener.url}/s3cr3t'}}")
        (why,) = sent(world, listener, good=True)

    assert why == "notify[0] ping http://127.0.0.1: 127.0.0.1 answered 302"
    assert listener.asked == 1


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("{apprise: {env: NOWHERE}}", "the variable is not set"),
        ("{apprise: 'nosuch://x'}", "apprise knows no such address"),
        ("{ping: 'http://127.0.0.1:9/x'}", "127.0.0.1: "),
        ("{ping: {env: CHAT}}", "is no URL that begins with https://"),
    ],
)
def test_what_cannot_be_reached_is_an_error_of_that_target(world, item, expected):
    world.targets = targets(item)
    with listening_at() as listener:
        (why,) = sent(world, listener, FAILED, good=True)

    assert why.startswith("notify[0] ")
    assert expected in why
