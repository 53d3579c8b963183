"""Every command, in the order of the help."""

from __future__ import annotations

import click

from dr.cli.answers import points, stacks, status
from dr.cli.demo import demo
from dr.cli.iam import iam
from dr.cli.plans import apply, plan
from dr.cli.policies import init, validate
from dr.cli.restoring import restore
from dr.cli.retention import retention
from dr.cli.sandbox import sandbox
from dr.cli.schedule import schedule
from dr.cli.verifying import verify

COMMANDS: tuple[click.Command, ...] = (
    init,
    validate,
    plan,
    apply,
    status,
    points,
    stacks,
    restore,
    verify,
    schedule,
    retention,
    iam,
    sandbox,
    demo,
)
