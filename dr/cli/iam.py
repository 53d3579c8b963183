"""`dr iam`."""

from __future__ import annotations

import re

import click

from dr.app import App, Settings
from dr.cli.frame import Once, Shared, json_text, shared_options
from dr.errors import EXIT_DONE, CloudError, EnvironmentFailed, UsageError
from dr.iam.documents import actions, policy, roles
from dr.iam.operations import MAY
from dr.iam.place import UNKNOWN_ACCOUNT, Place, Rebuilt, Role, place_of
from dr.model import Protect

_NAME = re.compile(r"[a-zA-Z*?][-a-zA-Z0-9*?]{0,127}")
"""A stack's name, with wildcards of IAM."""
_SHAPES = {
    "--account": (re.compile(r"[0-9]{12}"), "an account: 12 digits"),
    "--stack": (_NAME, "a stack's name, or a pattern such as prod-*"),
    "--as": (_NAME, "a stack's name, or a pattern such as prod-*"),
    "--stack-role": (re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+"), "a role's ARN"),
}


def _checked(
    _context: click.Context, parameter: click.Parameter, value: str | tuple[str, ...] | None
) -> object:
    """Take the value of an option. Raises `UsageError` for what would be no part of an ARN."""
    option = parameter.opts[0]
    shape, what = _SHAPES[option]
    for one in (value,) if isinstance(value, str) else value or ():
        if not shape.fullmatch(one):
            raise UsageError(f"{option}: {one[:200]!r} is not {what}", "see dr iam --help")
    return value


@click.command(cls=Once)
@click.argument("role", required=False, type=click.Choice([role.value for role in Role]))
@click.option("--account", metavar="ID", callback=_checked, help="The account; without it STS is asked.")
@click.option(
    "--stack",
    metavar="NAME",
    multiple=True,
    callback=_checked,
    help="A stack that the restorer may bring back, or a pattern; without it those that are stored.",
)
@click.option(
    "--as",
    "other",
    metavar="NAME",
    multiple=True,
    callback=_checked,
    help="A further name that a restored stack may have, or a pattern.",
)
@click.option(
    "--stack-role",
    metavar="ARN",
    multiple=True,
    callback=_checked,
    help="The service role that a restored stack must have.",
)
@shared_options
def iam(shared: Shared, role: str | None, account: str | None, **names: tuple[str, ...]) -> int:
    """Print the IAM policy document of ROLE; without it, tell what each role may do.

    `dr iam reader > reader.json` is ready for `aws iam put-role-policy`.
    """
    _require_restorer(role, names)
    if role is None and not shared.json:
        shared.emit(dict, lambda: "\n\n".join([*map(_told, Role), _WHOLE]))
        return EXIT_DONE
    wanted = tuple(Role) if role is None else (Role(role),)
    place = _place(shared, account, names, wanted)
    told = roles(place) if role is None else wanted
    documents = [{"role": each.value, "policy": policy(each, place)} for each in told]
    click.echo(json_text({"roles": documents} if role is None else documents[0]["policy"]))
    return EXIT_DONE


def _require_restorer(role: str | None, names: dict[str, tuple[str, ...]]) -> None:
    """Refuse what would be without effect: which stacks may come back concerns one role alone."""
    given = [option for option, value in names.items() if value]
    if given and role not in (None, Role.RESTORER.value):
        option = {"other": "as"}.get(given[0], given[0]).replace("_", "-")
        raise UsageError(f"--{option} is of the restorer: {role} restores nothing", "leave it out")


_WHOLE = "These are all actions that dr has a use for; `dr iam ROLE` leaves out what this installation does not need."


def _told(role: Role) -> str:
    return "\n".join([f"{role.value}: {MAY[role]}", *(f"  {action}" for action in actions(role))])


def _place(
    shared: Shared, given: str | None, names: dict[str, tuple[str, ...]], wanted: tuple[Role, ...]
) -> Place:
    app = App(Settings(config=shared.config, sandbox=shared.sandbox))
    account = given or _known_account(shared, app)
    for arn in names["stack_role"]:
        if account is not None and arn.split(":")[4] != account:
            why = f"--stack-role: {arn} is of another account than {account}: nobody can pass it"
            raise UsageError(why, "name a role of the account itself")
    rebuilt = Rebuilt()
    if Role.RESTORER in wanted:
        stacks = (*(names["stack"] or _restorable(shared, app, account)), *names["other"])
        rebuilt = Rebuilt(stacks=tuple(dict.fromkeys(stacks)), roles=names["stack_role"])
    return place_of(app.config, account or UNKNOWN_ACCOUNT, app.regions, rebuilt)


def _known_account(shared: Shared, app: App) -> str | None:
    """The account that STS names; None, and why, without credentials or when it cannot be asked."""
    try:
        return app.session.account()
    except (CloudError, EnvironmentFailed) as error:
        why = f"the account is not known, and the documents say * in its place: {error.message}"
        shared.warn(why, "give it with --account, or run it with credentials")
        return None


def _restorable(shared: Shared, app: App, account: str | None) -> tuple[str, ...]:
    """Names of stacks that a restorer is for: those that are stored, else those that policies select by name."""
    named = {name for p in app.policies if p.protect is Protect.STACKS for name in p.select.names}
    names = _stored(shared, app, account) or named
    if not names:
        why = "no stack is stored, and no policy selects stacks by name"
        raise UsageError(why, "say which stacks the restorer is for: --stack 'prod-*'")
    return tuple(sorted(names))


def _stored(shared: Shared, app: App, account: str | None) -> set[str]:
    """Names of the stacks that the store holds; none when it cannot be asked."""
    if account is None:
        return set()
    try:
        store = app.stored_stacks
        points = [point for region in sorted(app.regions) for point in store.points(account, region)]
    except (CloudError, EnvironmentFailed) as error:
        shared.warn(
            f"what is stored is not known, the restorer's stacks are those of the policies: {error.message}",
            "name them with --stack, or run it where the store can be read",
        )
        return set()
    return {point.lineage.source for point in points}
