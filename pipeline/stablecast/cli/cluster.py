"""Work on other machines: the options that name a cluster, and the command that is a worker of one."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable
from typing import Any

import click

from stablecast.cli.console import Console

_OPTIONS = {
    "scheduler": "A dask.distributed scheduler, tls://HOST:PORT; else that of [cluster] in show.toml.",
    "tls-ca": "Certificate of the authority that signed the others.",
    "tls-cert": "This machine's certificate.",
    "tls-key": "And its key.",
    "storage": "Sealed files go by way of this: s3://BUCKET/FOLDER, sftp://…, file:///…",
    "storage-credentials": "What opens it: `keyring`, `agent`, or a file of mode 0600.",
    "storage-host-key": "SFTP: the server's key.",
    "storage-endpoint": "S3: the provider's address.",
    "storage-region": "S3: where the bucket is.",
}
_METAVARS = {
    "scheduler": "ADDRESS",
    "storage": "URL",
    "storage-credentials": "FILE",
    "storage-host-key": "KEY",
    "storage-endpoint": "URL",
    "storage-region": "NAME",
}
_BYTES = {"": 1, "MB": 10**6, "GB": 10**9, "MiB": 2**20, "GiB": 2**30}


def on_a_cluster(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that name a cluster, as one mapping `cluster` of those that were given."""

    @functools.wraps(command)
    def with_cluster(*arguments: Any, **options: Any) -> Any:
        given = {name.replace("-", "_"): options.pop(name.replace("-", "_")) for name in _OPTIONS}
        return command(*arguments, cluster={name: value for name, value in given.items() if value}, **options)

    decorated: Callable[..., Any] = with_cluster
    for name, words in reversed(_OPTIONS.items()):
        kind = str if name in _METAVARS else click.Path(dir_okay=False)
        decorated = click.option(f"--{name}", type=kind, metavar=_METAVARS.get(name, "FILE"), help=words)(decorated)
    return decorated


class _Memory(click.ParamType[int]):
    name = "SIZE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(MB|GB|MiB|GiB|)", str(value))
        if not found or not float(found[1]):
            self.fail("is a size such as 2.5GiB", param, ctx)
        return int(float(found[1]) * _BYTES[found[2]])


@click.command()
@click.option("--workers", "-w", type=click.IntRange(min=1), help="Processes; else one for each core.")
@click.option(
    "--memory", type=_Memory(), default="3GiB", show_default=True, help="For each; one that takes more starts anew."
)
@on_a_cluster
@click.pass_obj
def worker(console: Console, workers: int | None, memory: int, cluster: dict[str, str]) -> None:
    """Work for a scheduler in the show folder named with --show, until interrupted. Needs no passphrase.

    The folder is the very one that `run` works in, mounted here. With --storage none is needed: sealed files come from there
    and go back. An episode's keys come with each task, over TLS, and stay in memory; nothing of it is spilled to a disk.
    Install the same stablecast everywhere.

    \b
    Example: a scheduler, a worker, a run
      dask scheduler --protocol tls --tls-ca-file ca.pem --tls-cert s.pem --tls-key s.key --no-dashboard
      stablecast --show /mnt/show worker --scheduler tls://10.0.0.5:8786 --tls-ca ca.pem --tls-cert w.pem --tls-key w.key
      stablecast run --scheduler tls://10.0.0.5:8786 --tls-ca ca.pem --tls-cert me.pem --tls-key me.key
    """
    console.studio().work(cluster, workers=workers or os.cpu_count() or 1, memory_bytes=memory)


COMMANDS = (worker,)
