"""One clock for all of moto.

moto stamps time with `moto.core.utils.utcnow`, which its modules import by name: the name is replaced where it is
defined, and in every module that is loaded already. Modules that are loaded later find the new one.
"""

from __future__ import annotations

import datetime as dt
import sys
from typing import Any

from moto.core import utils
from moto.s3 import models as s3

from dr.sandbox.clock import clock
from dr.sandbox.corrections import replace


def install() -> None:
    """Put the sandbox's clock under every time stamp of moto."""
    old = utils.utcnow
    for module in [m for name, m in sys.modules.items() if name.split(".")[0] == "moto"]:
        if getattr(module, "utcnow", None) is old:
            module.utcnow = clock.naive
    _bucket_dates()


def _bucket_dates() -> None:
    """Buckets read the system's clock themselves. Source: S3 API reference, ListBuckets, CreationDate."""
    original = s3.FakeBucket.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.creation_date = clock.now()

    replace.method(s3.FakeBucket, "__init__", init)


def iso(moment: dt.datetime) -> str:
    """A time as EC2 writes it: `2026-11-23T22:00:00.000Z`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
