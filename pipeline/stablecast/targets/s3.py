"""A folder of an S3-compatible bucket, by s3fs. A file is put in one request, so it is there whole or not at all."""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import s3fs
from fsspec.callbacks import Callback

from stablecast.engine import delivery
from stablecast.targets.credentials import Credentials
from stablecast.targets.params import TargetParams
from stablecast.targets.remote import Halt, in_sentences, present

_ONE_REQUEST_BYTES = (
    4 * 2**30
)  # a file under twice this goes in one put: parts that were left would be kept and paid for
_PART_BYTES, _PARTS = 8 * 2**20, 4  # a larger file goes in parts: so large, so many at once
_PAGE = 1000  # versions that are listed at once
_NO_VERSIONS = ("NotImplemented", "MethodNotAllowed", "NotSupported", "501", "405")  # from providers that keep none


@contextlib.contextmanager
def opened(
    name: str, params: TargetParams, credentials: Credentials, *, timeout_s: float, private: bool = False
) -> Iterator[Bucket]:
    """The folder that `params` describe. Who may read a bucket is its own setting, so `private` changes nothing."""
    parts = urlsplit(params.url)
    config: dict[str, Any] = {
        "connect_timeout": timeout_s,
        "read_timeout": max(timeout_s, 10.0),
        "retries": {"max_attempts": 0},
        "request_checksum_calculation": "when_required",  # others than Amazon do not all know the newer ones
        "response_checksum_validation": "when_required",
    }
    if params.endpoint:
        config["s3"] = {"addressing_style": "path"}
    with in_sentences(name):
        files = s3fs.S3FileSystem(
            key=credentials.key or None,
            secret=credentials.secret or None,
            token=credentials.token or None,
            endpoint_url=params.endpoint or None,
            client_kwargs={"region_name": params.region} if params.region else {},
            config_kwargs=config,
            use_listings_cache=False,
            skip_instance_cache=True,
        )
        files.retries = 1
        files.connect()
    try:
        yield Bucket(name, files, parts.netloc, unquote(parts.path).strip("/"))
    finally:
        with contextlib.suppress(Exception):
            files.close_session(files.loop, files.s3)


class _Halting(Callback):  # type: ignore[misc]  # no types
    """Asks between pieces whether to go on."""

    def __init__(self, halt: Halt) -> None:
        super().__init__()
        self._halt = halt

    def call(self, hook_name: str | None = None, **kwargs: Any) -> None:
        self._halt()


class Bucket:
    """A folder of a bucket."""

    def __init__(self, name: str, files: Any, bucket: str, prefix: str) -> None:
        self.notes: list[str] = []
        self._name, self._files, self._bucket, self._prefix = name, files, bucket, prefix
        self._sentences = functools.partial(in_sentences, name)
        self._keeps: bool | None = None  # whether the bucket keeps old versions

    def sizes(self, folders: Iterable[PurePosixPath]) -> dict[PurePosixPath, int]:
        found: dict[PurePosixPath, int] = {}
        for folder in sorted(set(folders)):
            for inside, size in self._listed(folder, Delimiter="/"):
                found[folder / inside] = size
        return found

    def put(self, path: PurePosixPath, data: bytes, *, at: float, halt: Halt) -> None:
        halt()
        with self._sentences():
            self._files.pipe_file(
                self._whole(path),
                data,
                chunksize=_ONE_REQUEST_BYTES,
                ContentType=delivery.media_type(path),
                CacheControl=delivery.cache_control(path),
                ContentMD5=base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode(),
            )

    def remove(self, path: PurePosixPath) -> None:
        key = self._key(path)
        with self._sentences():
            self._call("delete_object", Key=key)
            self._forget_versions(key)
            if self._exists(key):
                raise OSError("a file is still there")

    def send(self, path: PurePosixPath, file: Path, *, halt: Halt) -> None:
        with self._sentences():
            self._files.put_file(
                str(file),
                self._whole(path),
                callback=_Halting(halt),
                chunksize=_PART_BYTES,
                max_concurrency=_PARTS,
                ContentType="application/octet-stream",
            )

    def fetch(self, path: PurePosixPath, file: Path, *, halt: Halt) -> None:
        with self._sentences(), present(self._name):
            self._files.get_file(self._whole(path), str(file), callback=_Halting(halt), max_concurrency=1)

    def clear(self, folder: PurePosixPath) -> None:
        for inside, _ in list(self._listed(folder)):
            self.remove(folder / inside)
        with (
            self._sentences()
        ):  # parts of a file whose sending broke off are kept, and paid for, until they are given up
            for left in self._call("list_multipart_uploads", Prefix=f"{self._key(folder)}/").get("Uploads", ()):
                self._call("abort_multipart_upload", Key=left["Key"], UploadId=left["UploadId"])

    def _listed(self, folder: PurePosixPath, **options: str) -> Iterator[tuple[str, int]]:
        """What lies in a folder, by its path in there, and how many bytes."""
        beginning = "" if (key := self._key(folder)) == "" else f"{key}/"
        while True:
            with self._sentences():
                page = self._call("list_objects_v2", Prefix=beginning, **options)
            for entry in page.get("Contents", ()):
                if inside := str(entry["Key"])[len(beginning) :]:
                    yield inside, int(entry["Size"])
            if not page.get("IsTruncated"):
                return
            options["ContinuationToken"] = page["NextContinuationToken"]

    def _whole(self, path: PurePosixPath) -> str:
        return f"{self._bucket}/{self._key(path)}"

    def _key(self, path: PurePosixPath) -> str:
        if path.is_absolute() or ".." in path.parts:
            raise ValueError("a public path stays below its root")
        inside = "" if path == PurePosixPath() else path.as_posix()
        return "/".join(part for part in (self._prefix, inside) if part)

    def _call(self, method: str, **options: Any) -> Any:
        return self._files.call_s3(method, Bucket=self._bucket, **options)

    def _exists(self, key: str) -> bool:
        try:
            self._call("head_object", Key=key)
        except FileNotFoundError:
            return False
        return True

    def _forget_versions(self, key: str) -> None:
        """Delete every old version too; where that is not allowed, a person is told that the bucket keeps them."""
        told = f"the bucket of {self._name} keeps old versions, and we may not delete them: ask its owner to"
        try:
            if self._keeps is None:
                self._keeps = bool(self._call("get_bucket_versioning").get("Status"))
            if not self._keeps:
                return
            more: dict[str, str] = {}
            while True:
                page = self._call("list_object_versions", Prefix=key, MaxKeys=_PAGE, **more)
                for entry in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                    if entry["Key"] == key:
                        self._call("delete_object", Key=key, VersionId=entry["VersionId"])
                if not page.get("IsTruncated"):
                    return
                more = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
        except PermissionError:
            told = (
                told if self._keeps else f"whether the bucket of {self._name} keeps old versions, we may not see: look"
            )
            if told not in self.notes:
                self.notes.append(told)
        except OSError as failed:
            answer = getattr(failed.__cause__, "response", None) or {}
            if answer.get("Error", {}).get("Code") not in _NO_VERSIONS:
                raise
            self._keeps = False
