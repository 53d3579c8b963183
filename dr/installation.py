"""One installation's files: dr.yaml, its policies, what they come to, and where they lie."""

from __future__ import annotations

import difflib
from abc import ABC, abstractmethod
from datetime import datetime
from functools import cached_property
from pathlib import Path

from dr.config import CheckedConfig, Config, check_config
from dr.errors import InvalidDocuments, Problem, UsageError
from dr.files import PolicyFiles, public_key_problems, read_file, read_policy_files, shown
from dr.model import Policy
from dr.policy import Checked, check_policies
from dr.words import short


class Installation(ABC):
    """Read when it is first needed; attributes raise `DrError`. Whoever builds on it says where dr.yaml lies."""

    @property
    @abstractmethod
    def config_file(self) -> Path:
        """The path of dr.yaml."""

    @cached_property
    def checked_config(self) -> CheckedConfig:
        """dr.yaml with its problems. Raises `UsageError` when it cannot be read."""
        file = self.config_file
        data = read_file(file, "run `dr init`, or name it with --config")
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

    def checked(self, now: datetime) -> tuple[Checked, tuple[Problem, ...]]:
        """Every problem of dr.yaml and of all policies, for `dr validate`; AWS is not touched. `now` is the moment that it is checked at."""
        config = self.checked_config
        folder = shown(Path(config.policies_dir))
        checked = check_policies(self.policy_files.files, config.regions, now, folder)
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
