"""A record that several write: read, changed and written again, until nobody was faster."""

from __future__ import annotations

from collections.abc import Callable

from dr.errors import CloudError
from dr.ports import ObjectStore, StoredObject

_TRIES = 8


def rewrite(store: ObjectStore, key: str, anew: Callable[[StoredObject | None], bytes]) -> None:
    """Write what `anew` makes of what is there, None where there is nothing. Raises `CloudError` where others keep writing it."""
    for _ in range(_TRIES):
        found = store.get(key)
        body = anew(found)
        if found is None:
            written = store.put(key, body, if_absent=True)
        else:
            written = store.put(key, body, if_match=found.etag)
        if written is not None:
            return
    raise CloudError(f"{store.name}/{key}: others keep writing it", "it was not written: try again")
