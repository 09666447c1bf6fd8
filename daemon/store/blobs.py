"""Large bytes, kept under their SHA-256: files on this machine, or S3.

A file is written beside its place, synced, renamed, and its directory synced; anything
less and a power cut leaves an empty file under a good name. Names are digests and
never come from mail. What is read is checked against its name.
"""

import hashlib
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qs, urlsplit


class BlobDamaged(Exception):
    """The bytes under a digest are not those that were stored."""


class BlobsAway(OSError):
    """The blob store does not answer, or not as it should."""


class BlobMissing(Exception):
    """There is nothing under a digest."""


class Blobs(Protocol):
    """Where large bytes lie."""

    def put(self, content: bytes, *, sha256: str = "") -> str:
        """Store durably and return the SHA-256 in hex; storing twice is harmless.

        Give the digest only if it was computed here: never one that another process,
        such as a parser child, claims.
        """
        ...

    def get(self, sha256: str) -> bytes:
        """Return the bytes; raises `BlobMissing` or `BlobDamaged`.

        Any of these may raise OSError too: then nothing is known of the blob.
        """
        ...

    def checked_path(self, sha256: str) -> Path | None:
        """Return the file that holds the bytes, where there is one, after a check.

        Raises `BlobMissing` or `BlobDamaged` like `get`.
        """
        ...

    def missing(self, sha256: str) -> bool:
        """Whether nothing is stored under the digest."""
        ...

    def delete(self, sha256: str) -> None:
        """Remove what no row speaks of any more."""
        ...


class FileBlobs:
    """Blobs in a folder of this machine, in 256 folders by their first two digits."""

    def __init__(self, root: Path, *, make: bool = True) -> None:
        """Open the folder; without `make`, for those who only look, as it is."""
        self._root = root
        if make:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
        elif not root.exists():
            return
        mode = root.stat()
        if mode.st_uid != os.geteuid() or stat.S_IMODE(mode.st_mode) & 0o022:
            raise PermissionError(
                f"{root} must belong to the user that runs Chamado and be writable by "
                f"nobody else; chown it and chmod 0700"
            )
        if not make:
            return
        # All of them now, so that storing a file need never sync the folder above.
        for first in range(256):
            (root / f"{first:02x}").mkdir(mode=0o700, exist_ok=True)
        _sync_directory(root)

    def put(self, content: bytes, *, sha256: str = "") -> str:
        """Write, sync, rename, sync the directory."""
        sha256 = sha256 or hashlib.sha256(content).hexdigest()
        place = self._place(sha256)
        if not self.missing(sha256):
            return sha256
        temporary = place.with_name(f".{sha256[:16]}.{secrets.token_hex(6)}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(temporary, flags, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(place)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_directory(place.parent)
        return sha256

    def get(self, sha256: str) -> bytes:
        """Read and check."""
        try:
            content = self._place(sha256).read_bytes()
        except FileNotFoundError as error:
            raise self._not_there(sha256) from error
        if hashlib.sha256(content).hexdigest() != sha256:
            raise BlobDamaged(sha256)
        return content

    def checked_path(self, sha256: str) -> Path | None:
        """Check without holding it all in memory."""
        place = self._place(sha256)
        try:
            with place.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError as error:
            raise self._not_there(sha256) from error
        if found != sha256:
            raise BlobDamaged(sha256)
        return place

    def missing(self, sha256: str) -> bool:
        """Look for the file; an empty one is a leftover, not a blob."""
        try:
            found = self._place(sha256).lstat()
        except FileNotFoundError:
            return True
        return not stat.S_ISREG(found.st_mode) or found.st_size == 0

    def delete(self, sha256: str) -> None:
        """Remove the file."""
        self._place(sha256).unlink(missing_ok=True)

    def _not_there(self, sha256: str) -> Exception:
        if self._root.is_dir():
            return BlobMissing(sha256)
        return BlobsAway(f"{self._root} is not there")

    def _place(self, sha256: str) -> Path:
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise ValueError(f"{sha256!r} is no SHA-256")
        return self._root / sha256[:2] / sha256


def _sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class S3Blobs:
    """Blobs in an S3 bucket, by the extra `s3` (obstore)."""

    def __init__(self, url: str) -> None:
        try:
            from obstore.store import S3Store
        except ImportError as error:
            raise ModuleNotFoundError(
                "blobs.url is s3://… but the extra is not installed; "
                "install chamado[s3]"
            ) from error
        parts = urlsplit(url)
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        endpoint = query.get("endpoint")
        self._store = S3Store(
            parts.netloc,
            prefix=parts.path.strip("/") or None,
            endpoint=endpoint,
            region=query.get("region", "us-east-1"),
            client_options={"allow_http": bool(endpoint)} if endpoint else None,
        )

    def put(self, content: bytes, *, sha256: str = "") -> str:
        """Upload; S3 answers only when the object is stored."""
        import obstore

        sha256 = sha256 or hashlib.sha256(content).hexdigest()
        if self.missing(sha256):
            with _reaching():
                obstore.put(self._store, sha256, content)
        return sha256

    def get(self, sha256: str) -> bytes:
        """Fetch and check."""
        import obstore

        try:
            with _reaching():
                content = bytes(obstore.get(self._store, sha256).bytes())
        except FileNotFoundError as error:
            raise BlobMissing(sha256) from error
        if hashlib.sha256(content).hexdigest() != sha256:
            raise BlobDamaged(sha256)
        return content

    def checked_path(self, sha256: str) -> Path | None:
        """Return nothing: there is no file."""
        return None

    def missing(self, sha256: str) -> bool:
        """Ask for the object's head."""
        import obstore

        try:
            with _reaching():
                obstore.head(self._store, sha256)
        except FileNotFoundError:
            return True
        return False

    def delete(self, sha256: str) -> None:
        """Remove the object."""
        import obstore

        with _reaching():
            obstore.delete(self._store, sha256)


@contextmanager
def _reaching() -> Iterator[None]:
    from obstore.exceptions import BaseError

    try:
        yield
    except BaseError as error:
        raise BlobsAway("the bucket does not answer as it should") from error


OPENERS: dict[str, Callable[[str, bool], Blobs]] = {
    "file": lambda url, make: FileBlobs(Path(urlsplit(url).path), make=make),
    "s3": lambda url, _: S3Blobs(url),
}


def is_made(url: str) -> bool:
    """Whether the store is ready to be written to; a bucket always is."""
    parts = urlsplit(url)
    return parts.scheme != "file" or (Path(parts.path) / "ff").is_dir()


def open_blobs(url: str, *, make: bool = True) -> Blobs:
    """Open the store that `file:///path` or `s3://bucket/prefix?endpoint=…` names.

    Its folders are made unless somebody only looks (`make=False`).
    """
    scheme = urlsplit(url).scheme
    if scheme not in OPENERS:
        raise ValueError(f"blobs.url must be file:///… or s3://…, not {url!r}")
    return OPENERS[scheme](url, make)
