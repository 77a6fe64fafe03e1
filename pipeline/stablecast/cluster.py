"""Work on other machines: stages as tasks of dask.distributed, behind `concurrent.futures.Executor`.

The show lies on storage that all of them see. An episode's keys travel to a worker with each task, inside TLS, and stay in
memory: an address that is not `tls://` is refused, a worker never spills to disk, and what is told or logged of a task is its
number. A worker does a stage only where it sees the very folder of the run and has the same version, models and programs. A
worker that is lost costs time: its stage is done again elsewhere, and a receipt is written once.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import logging
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stablecast import __version__
from stablecast.engine.plan import Node
from stablecast.engine.settings import ClusterParams
from stablecast.errors import EnvironmentFailure, StablecastError, UsageRefused
from stablecast.runner import Bench, Job, tools_here
from stablecast.scheduler import Crew, Made
from stablecast.store import episode, files, locks
from stablecast.store.workspace import Workspace

if TYPE_CHECKING:
    from distributed.security import Security

TLS = "tls://"
CONNECT_S = 30.0  # to wait for the scheduler, and for the first worker
STRAGGLER_S = 6 * 3600.0  # to wait for a worker that was given up and still works on the same stage
_UNREACHED = "the scheduler cannot be reached over TLS; check its address, its certificates and that it runs"
_LOST = "the scheduler was lost; run again: what is done is kept"
_CONFIG = {
    "distributed.comm.require-encryption": True,
    "distributed.worker.memory.target": False,  # nothing of ours is ever spilled to a disk
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,  # one task at a time: a pause would wait for itself
    "distributed.worker.memory.terminate": 0.95,
    "distributed.worker.http.routes": [],
    "distributed.worker.profile.enabled": False,
    "distributed.admin.log-length": 0,
    "distributed.admin.event-loop": "asyncio",
}


@dataclass(frozen=True, slots=True)
class Ticket:
    """By which a worker knows that it belongs to a run."""

    nonce: str = field(repr=False)  # lies in the show's folder while the run lasts
    version: str = __version__


# --- the command ------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def crew(workspace: Workspace, params: ClusterParams) -> Iterator[Crew]:
    """The workers of a scheduler, for a run of this show. When the block is left early, what waits is cancelled.

    Raises UsageRefused for an address without TLS or files that are not there, EnvironmentFailure where nobody answers.
    """
    security = _security(params)
    distributed = _distributed()
    for name in ("distributed", "distributed.client", "tornado"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what a person has to know is told in a sentence
    with _configured():
        try:
            client = distributed.Client(params.scheduler, security=security, timeout=CONNECT_S, set_as_default=False)
        except Exception as failed:
            raise EnvironmentFailure(_UNREACHED) from failed
        ticket = Ticket(secrets.token_hex(16))
        passport = workspace.run
        try:
            _wait_for_workers(client)
            files.write(passport, ticket.nonce.encode())
            executor = client.get_executor(pure=False)
            try:
                yield Crew(
                    executor,
                    "cluster",
                    functools.partial(_workers, client),
                    functools.partial(make_there, ticket),
                    _explained,
                )
            finally:
                executor.shutdown(wait=False)
        finally:
            passport.unlink(missing_ok=True)
            with contextlib.suppress(Exception):
                client.close(timeout=5)


def _wait_for_workers(client: Any) -> None:
    deadline = time.monotonic() + CONNECT_S
    while not client.nthreads():
        if time.monotonic() > deadline:
            raise EnvironmentFailure("the scheduler has no worker; start some with `stablecast worker`")
        time.sleep(0.2)


def _workers(client: Any) -> int:
    """How many stages can be done at once now."""
    try:
        return sum(client.nthreads().values())
    except Exception as failed:
        raise EnvironmentFailure(_LOST) from failed


def _explained(failed: Exception) -> Made:
    """What a lost task means: a stage that no worker survives is that episode's failure; without a scheduler the run ends."""
    if type(failed).__name__ == "KilledWorker":
        return Made(0.0, "several workers were lost at this stage, perhaps for want of memory; give them more", 7)
    if type(failed).__name__ in ("CancelledError", "FutureCancelledError"):
        raise EnvironmentFailure(_LOST) from failed
    raise failed


def check(params: ClusterParams) -> None:
    """Raises UsageRefused for an address that is not TLS, and for files that are not there."""
    if not params.scheduler.startswith(TLS):
        raise UsageRefused(
            "the keys of an episode travel to the workers, so the scheduler's address begins with tls://; start it with "
            "certificates and name them with --tls-ca, --tls-cert and --tls-key"
        )
    for name in ("tls_ca", "tls_cert", "tls_key"):
        given = getattr(params, name)
        if not given or not Path(given).expanduser().is_file():
            raise UsageRefused(
                f"--{name.replace('_', '-')} or {name} in [cluster] must name a file that is there; "
                "without certificates nothing is sent"
            )


def _security(params: ClusterParams) -> Security:
    """Certificates for both ends."""
    check(params)
    security = _distributed().Security
    ca, cert, key = (str(Path(p).expanduser()) for p in (params.tls_ca, params.tls_cert, params.tls_key))
    ends = {f"tls_{end}_{what}": path for end in ("client", "worker") for what, path in (("cert", cert), ("key", key))}
    return security(tls_ca_file=ca, require_encryption=True, **ends)  # type: ignore[no-any-return]


def _distributed() -> Any:
    try:
        import distributed
    except ImportError as missing:
        raise EnvironmentFailure(
            "dask.distributed is not installed; `pip install 'stablecast[cluster]'` brings it"
        ) from missing
    return distributed


@contextlib.contextmanager
def _configured() -> Iterator[None]:
    import dask.config

    with dask.config.set(_CONFIG):
        yield


# --- a worker ---------------------------------------------------------------------------------------------------------

ROOT_VARIABLE = "STABLECAST_WORKER_SHOW"  # set by `serve`: where the show lies as this worker sees it


def make_there(ticket: Ticket, job: Job, node: Node) -> Made:
    """Run one stage on a worker. Whatever goes wrong is told in a sentence: what an exception quotes may be private."""
    began, fit = time.monotonic(), False
    try:
        workspace = _fit(ticket, job)
        fit = True
        episode.read(
            workspace, job.slug
        )  # withdrawn while it waited: then nothing of it is made again, not even a lock
        there = dataclasses.replace(job, root=workspace.root)
        # One that was given up may still be at work: we wait for it, and then find its receipt.
        with locks.exclusive(workspace.node_lock(job.slug, node.key), wait_s=STRAGGLER_S):
            bench = Bench(there, workspace, before_receipt=lambda: _check(workspace, ticket))
            if not bench.has(node):
                bench.make(node)
    except StablecastError as refused:
        return Made(time.monotonic() - began, str(refused), refused.exit_code, unfit=not fit)
    except Exception as failed:  # noqa: BLE001 - the scheduler would log what it says
        sentence = (
            f"a worker met a mistake in the program ({type(failed).__name__}); run again without --scheduler to see it"
        )
        return Made(time.monotonic() - began, sentence, 1)
    return Made(time.monotonic() - began)


def _fit(ticket: Ticket, job: Job) -> Workspace:
    """The show as this worker sees it. Raises EnvironmentFailure unless its results would be those of the command's machine."""
    root = os.environ.get(ROOT_VARIABLE)
    if not root:
        raise EnvironmentFailure("a worker was not started with `stablecast worker`; stop it and start it so")
    if ticket.version != __version__:
        raise EnvironmentFailure("a worker has another version of stablecast; install the same one everywhere")
    workspace = Workspace(Path(root))
    _check(workspace, ticket)
    if _tools(job.production.settings) != job.production.tools:
        raise EnvironmentFailure(
            "a worker has other models or another ffmpeg than this machine; install the same ones everywhere"
        )
    return workspace


def _check(workspace: Workspace, ticket: Ticket) -> None:
    """Raises EnvironmentFailure unless this is the folder of the run, and the run goes on."""
    try:
        found = workspace.run.read_text()
    except OSError:
        found = ""
    if not secrets.compare_digest(found, ticket.nonce):
        raise EnvironmentFailure(
            "a worker does not see the show of this run; mount the same folder there and name it with --show"
        )


_tools = functools.lru_cache(maxsize=4)(tools_here)  # they are looked up by what they are, which takes a second


def serve(root: Path, params: ClusterParams, *, workers: int, memory_bytes: int) -> None:
    """Work for a scheduler until told to stop: so many processes, each with so much memory and one stage at a time.

    A process that takes more memory, or dies, is started anew. Raises UsageRefused and EnvironmentFailure as `crew` does.
    """
    Workspace.open(root)
    security = _security(params)
    distributed = _distributed()

    async def main() -> None:
        with tempfile.TemporaryDirectory(prefix="stablecast-") as scratch:
            nannies = [
                distributed.Nanny(
                    params.scheduler,
                    nthreads=1,
                    memory_limit=memory_bytes,
                    security=security,
                    protocol="tls",
                    local_directory=scratch,
                    env={ROOT_VARIABLE: str(root.resolve())},
                    dashboard=False,
                    dashboard_address="127.0.0.1:0",
                    death_timeout=CONNECT_S,
                )
                for _ in range(workers)
            ]
            try:
                await asyncio.gather(*nannies)
                await asyncio.gather(*(nanny.finished() for nanny in nannies))
            finally:
                await asyncio.gather(*(nanny.close(timeout=5) for nanny in nannies), return_exceptions=True)

    with _configured():
        try:
            asyncio.run(main())
        except (OSError, RuntimeError, TimeoutError) as failed:
            raise EnvironmentFailure(_UNREACHED) from failed
