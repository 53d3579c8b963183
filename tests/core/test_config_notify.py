"""`notify` in dr.yaml."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from apprise.manager_plugins import NotificationManager

from dr.config import check_config, parse_config
from dr.config.notifying import IN_THE_CLEAR, WORDS

MINIMAL = "name: a\nregions: [eu-west-1]\nstore: {primary: {url: store/}}\n"
TOPIC = "arn:aws:sns:eu-central-1:111122223333:people"


def read(line):
    return parse_config(MINIMAL + line, "dr.yaml", "/x").notify


def faults(line):
    found = check_config((MINIMAL + line).encode(), "dr.yaml", "/x").problems
    return [str(problem).removeprefix("dr.yaml:4:").partition(": ")[2] for problem in found]


def test_nobody_is_told_by_default_and_by_an_empty_list():
    assert (read(""), read("notify: []")) == ((), ())


def test_a_target_is_told_everything_and_of_the_day_at_eight_unless_it_says_otherwise():
    (topic,) = read(f"notify: [{{sns: '{TOPIC}'}}]")

    assert (topic.way, topic.address, topic.about) == ("sns", TOPIC, set(WORDS))
    assert topic.digest.next_after(datetime(2026, 3, 10, 12, tzinfo=UTC)) == datetime(
        2026, 3, 11, 8, tzinfo=UTC
    )


def test_what_when_and_in_which_zone_can_be_said():
    line = (
        f"notify: [{{sns: '{TOPIC}', about: [rpo, digest], digest: '30 6 * * *', timezone: Europe/Vienna}}]"
    )
    (topic,) = read(line)

    assert topic.about == {"rpo", "digest"}
    assert topic.digest.next_after(datetime(2026, 7, 10, 12, tzinfo=UTC)) == datetime(
        2026, 7, 11, 4, 30, tzinfo=UTC
    )


def test_who_wants_no_digest_has_none():
    (topic,) = read(f"notify: [{{sns: '{TOPIC}', about: failure}}]")

    assert (topic.about, topic.digest) == ({"failure"}, None)


def test_an_address_may_stand_in_the_environment():
    chat, ping = read("notify: [{apprise: {env: CHAT}}, {ping: {env: PING}}]")

    assert [(one.way, one.address, one.env) for one in (chat, ping)] == [
        ("apprise", "", "CHAT"),
        ("ping", "", "PING"),
    ]
    assert (ping.about, ping.digest) == (frozenset(), None)


def test_a_name_tells_no_secret():
    secret = "s3cr3t"
    found = read(
        f"notify: [{{apprise: 'slack://{secret}/{secret}'}}, {{ping: 'https://hc-ping.com/{secret}'}}, "
        f"{{apprise: 'mailtos://me:{secret}@example.com'}}]"
    )

    assert [one.name for one in found] == [
        "notify[0] apprise slack://",
        "notify[1] ping https://hc-ping.com",
        "notify[2] apprise mailtos://",
    ]
    assert secret not in repr(found)


def test_what_a_target_was_told_is_remembered_by_its_address_alone():
    before = read("notify: [{apprise: 'jsons://h'}, {sns: '%s'}]" % TOPIC)  # noqa: UP031
    after = read("notify: [{sns: '%s', about: failure}]" % TOPIC)  # noqa: UP031

    assert after[0].id == before[1].id != before[0].id


@pytest.mark.parametrize("url", ["https://hc-ping.com/x", "http://127.0.0.1:8000/ping/x", "http://[::1]/x"])
def test_a_ping_is_asked_over_tls_or_on_this_machine(url):
    assert read(f"notify: [{{ping: '{url}'}}]")[0].address == url


@pytest.mark.parametrize(
    "url", ["jsons://h/x", "json://127.0.0.1:8000/x", "mailto://me@localhost", "syslog://user"]
)
def test_a_chat_is_told_over_tls_or_on_this_machine(url):
    assert read(f"notify: [{{apprise: '{url}'}}]")[0].address == url


def test_the_addresses_that_go_in_the_clear_are_those_of_apprise():
    """Growl and syslog's remote form have no encrypted twin; all others with none stay on the machine or speak https."""
    manager = NotificationManager()
    manager.load_modules()
    plain = set()
    for plugin in manager.plugins(include_disabled=True):
        if plugin.protocol and plugin.secure_protocol:
            plain |= {plugin.protocol} if isinstance(plugin.protocol, str) else set(plugin.protocol)

    assert plain | {"growl", "rsyslog"} == IN_THE_CLEAR


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (
            "[{apprise: 'json://hooks.example.com/s3cr3t'}]",
            "notify[0].apprise: would be sent in the clear: write jsons://, where apprise has it, or another way",
        ),
        (
            "[{apprise: 'MailTo://me:s3cr3t@example.com'}]",
            "notify[0].apprise: would be sent in the clear: write mailtos://, where apprise has it, or another way",
        ),
        ("slack://s3cr3t", 'notify: expected a list; write [{sns: "arn:aws:sns:..."}]'),
        ("[slack://s3cr3t]", "notify[0]: expected a mapping (keys and values); write {apprise: ...}, or {apprise: {env: DR_CHAT}}"),
        ("[{sns: {env: TOPIC}}]", "notify[0].sns: is no secret: write the ARN itself, so that `dr iam` knows it too"),
        ("[{}]", "notify[0]: name one of sns, apprise and ping"),
        ("[{about: failure}]", "notify[0]: name one of sns, apprise and ping"),
        (
            "[{sns: '%s', ping: 'https://a/b'}]",
            "notify[0]: name one of sns, apprise and ping; these are several targets",
        ),
        (
            "[{sns: people}]",
            "notify[0].sns: is no ARN of a topic, such as arn:aws:sns:eu-central-1:111122223333:people",
        ),
        (
            "[{sns: '%s.fifo'}]",
            "notify[0].sns: is no ARN of a topic, such as arn:aws:sns:eu-central-1:111122223333:people",
        ),
        ("[{snss: '%s'}]", "notify[0].snss: unknown key; did you mean sns? (sns, apprise, ping, about, digest, timezone)"),
        (
            "[{sns: '%s', about: [failures]}]",
            'notify[0].about[0]: unknown value "failures"; did you mean failure? (failure, rpo, blocked, frozen, recovery, digest)',
        ),
        ("[{sns: '%s', about: []}]", "notify[0].about: the list is empty; write [failure, recovery]"),
        (
            "[{sns: '%s', about: [rpo], digest: '0 8 * * *'}]",
            "notify[0].digest: belongs to a digest, which `about` does not name",
        ),
        (
            "[{sns: '%s', timezone: Vienna}]",
            'notify[0].timezone: unknown time zone "Vienna"; did you mean Europe/Vienna?',
        ),
        ("[{ping: 'https://a/b', about: [rpo]}]", "notify[0].about: belongs to who is told something; a ping follows each good tick"),
        ("[{ping: 'http://example.com/x'}]", "notify[0].ping: would be asked in the clear: write https://"),
        ("[{ping: 'ftp://example.com/x'}]", "notify[0].ping: is no URL that begins with https://"),
        ("[{ping: 'https://me:s3cr3t@example.com/x'}]", "notify[0].ping: has a user in it, which a ping cannot be; name a URL whose path is the secret"),
        ("[{ping: 'https://example.com/\u00e4'}]", "notify[0].ping: is no URL: write what is beyond ASCII, and a blank, percent-encoded"),
        ("[{ping: 'https://example.com/a b'}]", "notify[0].ping: is no URL: write what is beyond ASCII, and a blank, percent-encoded"),
        ("[{ping: 'https://[x/y'}]", "notify[0].ping: is no URL"),
        ("[{ping: 'https://a:b/y'}]", "notify[0].ping: is no URL"),
        ("[{apprise: {}}]", "notify[0].apprise.env: missing; write {env: NAME}, a variable of the environment that holds it"),
        ("[{apprise: {env: 'slack://s3cr3t'}}]", "notify[0].apprise.env: is no name of a variable of the environment"),
        ("[{sns: 'https://hooks.slack.com/s3cr3t'}]", "notify[0].sns: is no ARN of a topic, such as arn:aws:sns:eu-central-1:111122223333:people"),
        ("[{apprise: ''}]", "notify[0].apprise: is empty"),
        ("[{apprise: s3cr3t}]", "notify[0].apprise: is no address as apprise writes them, such as slack://... or mailtos://..."),
        ("[{sns: '%s'}, {sns: '%s', about: rpo}]", f"notify[1]: notify[1] sns {TOPIC} is there twice; remove one"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(item, expected):
    assert faults(f"notify: {item}".replace("%s", TOPIC)) == [expected]


def test_a_digest_that_is_no_schedule_is_named():
    (found,) = faults(f"notify: [{{sns: '{TOPIC}', digest: '0 25 * * *'}}]")

    assert found.startswith('notify[0].digest: "0 25 * * *"')
