"""One installation without AWS: dr.yaml, its policies, what they come to, the clock, and the sandbox where one is asked for."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dr.clock import SystemClock
from dr.config import CheckedConfig, Config, check_config
from dr.errors import EnvironmentFailed, InvalidDocuments, Problem, UsageError
from dr.files import PolicyFiles, public_key_problems, read_file, read_policy_files, shown
from dr.model import Policy
from dr.policy import Checked, check_policies
from dr.sandbox import process
from dr.settings import Settings, sandbox_directory
from dr.words import short


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """dr.yaml and the policies as they were read."""

    config: CheckedConfig
    policies: PolicyFiles


class Installation:
    """One installation as this run sees it. Read when it is first needed; attributes raise `DrError`.

    With `files` it is the installation as it was when they were read.
    """

    def __init__(self, settings: Settings, files: Files | None = None) -> None:
        self.settings = settings
        if files is not None:
            self.checked_config, self.policy_files = files.config, files.policies

    # --- this machine -----------------------------------------------------------------------------------------

    @cached_property
    def running(self) -> process.Running | None:
        """The sandbox, when this run asks for it. Raises `EnvironmentFailed` when none runs."""
        return self.require_sandbox() if self.settings.in_sandbox else None

    def require_sandbox(self) -> process.Running:
        """The sandbox that runs. Raises `EnvironmentFailed` when none does."""
        found = process.status(sandbox_directory(self.settings.environ))
        if found is None:
            raise EnvironmentFailed("no sandbox is running", "start one with `dr sandbox start`")
        return found

    @cached_property
    def clock(self) -> SystemClock:
        """This machine's clock, or the sandbox's time."""
        if self.running is None:
            return SystemClock()
        return SystemClock(process.now(self.running) - SystemClock().now())

    # --- its files --------------------------------------------------------------------------------------------

    @property
    def config_file(self) -> Path:
        """--config, else the sandbox's own, else DR_CONFIG, else ./dr.yaml."""
        settings = self.settings
        if settings.config:
            return Path(settings.config)
        if settings.in_sandbox:
            self.require_sandbox()
            return sandbox_directory(settings.environ) / "dr.yaml"
        return Path(settings.environ.get("DR_CONFIG") or "dr.yaml")

    @property
    def _other_config(self) -> str:
        """What to do about a dr.yaml that cannot be read: who set DR_CONFIG may not remember it."""
        settings = self.settings
        if not settings.config and not settings.in_sandbox and settings.environ.get("DR_CONFIG"):
            return "DR_CONFIG names this file: correct it, run `dr init`, or name another with --config"
        return "run `dr init`, or name it with --config"

    @cached_property
    def checked_config(self) -> CheckedConfig:
        """dr.yaml with its problems. Raises `UsageError` when it cannot be read."""
        file = self.config_file
        data = read_file(file, self._other_config)
        return check_config(data, str(file), str(file.resolve().parent))

    @cached_property
    def config(self) -> Config:
        """dr.yaml. Raises `InvalidDocuments`."""
        if self.checked_config.config is None:
            raise InvalidDocuments(self.checked_config.problems)
        return self.checked_config.config

    @cached_property
    def policy_files(self) -> PolicyFiles:
        """What lies in the folder of the policies."""
        return read_policy_files(Path(self.checked_config.policies_dir))

    @property
    def files(self) -> Files:
        """What it rests on. Raises `UsageError` for what cannot be read."""
        return Files(config=self.checked_config, policies=self.policy_files)

    def check(self) -> tuple[Checked, tuple[Problem, ...]]:
        """Every problem of dr.yaml and of all policies, now; neither AWS nor the sandbox's time is asked for."""
        config = self.checked_config
        folder = shown(Path(config.policies_dir))
        checked = check_policies(self.policy_files.files, config.regions, SystemClock().now(), folder)
        keys = public_key_problems(config.config)
        return checked, (*config.problems, *keys, *self.policy_files.problems, *checked.problems)

    @cached_property
    def policies(self) -> tuple[Policy, ...]:
        """All policies. Raises `InvalidDocuments` with every problem of every file, dr.yaml's first."""
        config = self.checked_config
        checked = check_policies(
            self.policy_files.files, config.regions, None, shown(Path(config.policies_dir))
        )
        problems = (*config.problems, *self.policy_files.problems, *checked.problems)
        if problems:
            raise InvalidDocuments(problems)
        return checked.policies

    def asked(self, name: str | None) -> tuple[Policy, ...]:
        """The policies that a command works on. Raises `UsageError` for a name that no policy has."""
        if name is None:
            return self.policies
        found = tuple(policy for policy in self.policies if policy.name == name)
        if not found:
            names = [policy.name for policy in self.policies]
            near = difflib.get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise UsageError(f"no policy is named {short(name)!r}", f"{hint}there are: {', '.join(names)}")
        return found

    @property
    def regions(self) -> frozenset[str]:
        """Every Region that dr.yaml or a sound policy names: a broken policy must not stop a restore."""
        return frozenset(self.config.regions) | {region for p in self.sound_policies for region in p.regions}

    @cached_property
    def sound_policies(self) -> tuple[Policy, ...]:
        """The policies whose files are without a fault."""
        return check_policies(self.policy_files.files, self.checked_config.regions, None).policies
