"""The object store: bytes under a key, in a folder of this machine or in the cloud."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, from_url

if TYPE_CHECKING:
    from obstore.store import ObjectStore, RetryConfig

# Callers wait: a store that is away is soon said to be.
_RETRY: RetryConfig = {"max_retries": 3, "retry_timeout": timedelta(seconds=10)}


class ObjectsUnavailable(Exception):
    """The object store can't be reached, or doesn't do what it is asked."""


class Objects:
    """Keeps objects. Every method raises ObjectsUnavailable when the store fails."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def put(self, key: str, content: bytes) -> None:
        """Save an object; one that is there is replaced, and never seen half-written."""
        try:
            await obstore.put_async(self._store, key, content, use_multipart=False)
        except (BaseError, OSError) as error:
            raise ObjectsUnavailable(f"{type(error).__name__}: put failed") from error

    async def get(self, key: str) -> bytes | None:
        """Return an object; None when there is none."""
        try:
            found = await obstore.get_async(self._store, key)
            return bytes(await found.bytes_async())
        except (NotFoundError, FileNotFoundError):
            return None
        except (BaseError, OSError) as error:
            raise ObjectsUnavailable(f"{type(error).__name__}: get failed") from error

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; pass over those that are not there."""
        for key in keys:
            try:
                await obstore.delete_async(self._store, key)
            except (NotFoundError, FileNotFoundError):
                continue
            except (BaseError, OSError) as error:
                raise ObjectsUnavailable(f"{type(error).__name__}: delete failed") from error


def open_objects(url: str | None, folder: Path) -> Objects:
    """Open the store that a URL names (s3://, gs://, az://); without one, a folder.

    The cloud's credentials and options come from its usual environment variables.
    """
    if url is not None:
        return Objects(from_url(url, retry_config=_RETRY))
    # Other users of this machine have no business there.
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    return Objects(LocalStore(folder, automatic_cleanup=True))
