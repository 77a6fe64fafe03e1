"""Work on other machines: stages as tasks of dask.distributed, behind `concurrent.futures.Executor`.

The show lies in a folder that all of them see, or its sealed files go by way of a storage (`stablecast.exchange`). An episode's
keys travel to a worker with each task, inside TLS, and stay in memory: an address that is not `tls://` is refused, a worker never
spills to disk, and what is told or logged of a task is its number. A worker does a stage only where it sees the very folder or
storage of the run and has the same version, models and programs. A worker that is lost costs time: its stage is done again
elsewhere, and a receipt is written once.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import logging
import os
import secrets
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from stablecast import __version__, codecs, exchange
from stablecast.engine.plan import Node, Receipt
from stablecast.engine.settings import ClusterParams
from stablecast.errors import EnvironmentFailure, StablecastError, UsageRefused
from stablecast.exchange import Parcel, Sender, Storage
from stablecast.runner import Bench, Job, tools_here
from stablecast.scheduler import LOOK_S, Crew, Made
from stablecast.store import episode, files, locks
from stablecast.store.workspace import Workspace
from stablecast.targets.params import TargetParams
from stablecast.targets.remote import Halt, Overtaken

if TYPE_CHECKING:
    from distributed.security import Security

T = TypeVar("T")

TLS = "tls://"
CONNECT_S = 30.0  # to wait for the scheduler, and for the first worker
STRAGGLER_S = 6 * 3600.0  # to wait for a worker that was given up and still works on the same stage
MOST_TASKS = 1024  # that are carried at once by way of a storage
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
def crew(workspace: Workspace, params: ClusterParams, say: Callable[[str], None] = lambda _: None) -> Iterator[Crew]:
    """The workers of a scheduler, for a run of this show. When the block is left early, what waits is cancelled.

    `say` gets sentences about what could not be taken out of the storage again. Raises UsageRefused for an address without TLS
    or files that are not there, EnvironmentFailure where nobody answers.
    """
    security = _security(params)
    storage = exchange.storage(exchange.params_of(params), workspace.root) if params.storage else None
    distributed = _distributed()
    for name in ("distributed", "distributed.client", "tornado"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what a person has to know is told in a sentence
    with _configured():
        try:
            client = distributed.Client(params.scheduler, security=security, timeout=CONNECT_S, set_as_default=False)
        except Exception as failed:
            raise EnvironmentFailure(_UNREACHED) from failed
        ticket = Ticket(secrets.token_hex(16))
        try:
            _wait_for_workers(client)
            with (
                _stored(client, workspace, ticket, storage, say) if storage else _mounted(client, workspace, ticket)
            ) as made:
                yield made
        finally:
            with contextlib.suppress(Exception):
                client.close(timeout=5)


@contextlib.contextmanager
def _mounted(client: Any, workspace: Workspace, ticket: Ticket) -> Iterator[Crew]:
    """Workers that see the show's folder."""
    try:
        files.write(workspace.run, ticket.nonce.encode())
        executor = client.get_executor(pure=False)
        try:
            task = functools.partial(make_there, ticket)
            yield Crew(executor, "cluster", functools.partial(_workers, client), task, _explained)
        finally:
            executor.shutdown(wait=False)
    finally:
        workspace.run.unlink(missing_ok=True)


@contextlib.contextmanager
def _stored(
    client: Any, workspace: Workspace, ticket: Ticket, storage: Storage, say: Callable[[str], None]
) -> Iterator[Crew]:
    """Workers that see the storage alone: a thread for each task sends what it needs and fetches what it gives."""
    over = threading.Event()

    def halt() -> None:
        if over.is_set():
            raise Overtaken

    with tempfile.TemporaryDirectory(prefix="stablecast-") as scratch:
        sender = exchange.Sender(storage, workspace, ticket.nonce, Path(scratch), halt)
        sender.sweep()
        files.write(workspace.run, ticket.nonce.encode())  # by which the next run knows what a killed one left behind
        sender.open()
        there, threads = client.get_executor(pure=False), ThreadPoolExecutor(MOST_TASKS)
        try:
            carried = functools.partial(_carried, there, sender, ticket, workspace, halt)
            yield Crew(threads, "cluster by storage", functools.partial(_workers, client), carried, _explained)
        finally:
            over.set()
            there.shutdown(wait=False)
            threads.shutdown(cancel_futures=True)
            try:
                for sentence in sender.close():
                    say(sentence)
                workspace.run.unlink(missing_ok=True)
            except StablecastError:
                say(
                    f"the folder {ticket.nonce} could not be taken out of the storage: the next run with it tries again, or "
                    "remove it there; all in it is sealed"
                )


def _carried(
    there: Executor, sender: Sender, ticket: Ticket, workspace: Workspace, halt: Halt, job: Job, node: Node
) -> Made:
    """Have one stage done by a worker that sees the storage alone. Raises EnvironmentFailure where the storage is lost."""
    began = time.monotonic()
    try:
        parcel = sender.parcel(job.slug, node, job.production)
        doing = there.submit(make_from, ticket, parcel, job, node)
        while not wait((doing,), timeout=LOOK_S).done:
            halt()
            if not (workspace.episode(job.slug) / episode.RECORD).is_file():
                doing.cancel()
                sender.forget(job.slug)
                episode.read(workspace, job.slug)
        made, receipt = doing.result()
        if receipt is not None:
            sender.take(job.slug, node, parcel, receipt)
    except EnvironmentFailure:
        raise
    except StablecastError as refused:
        return Made(time.monotonic() - began, str(refused), refused.exit_code)
    return dataclasses.replace(made, took_s=time.monotonic() - began)


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

ROOT_VARIABLE = (
    "STABLECAST_WORKER_SHOW"  # set by `serve`: where the show lies as this worker sees it, or may unpack one
)
STORAGE_VARIABLE = "STABLECAST_WORKER_STORAGE"  # likewise: by which storage its files come, without what opens it


def make_there(ticket: Ticket, job: Job, node: Node) -> Made:
    """Run one stage on a worker that sees the show's folder."""

    def make(workspace: Workspace) -> None:
        episode.read(workspace, job.slug)  # gone while it waited: then nothing of it is made again, not even a lock
        there = dataclasses.replace(job, root=workspace.root)
        # One that was given up may still be at work: we wait for it, and then find its receipt.
        with locks.exclusive(workspace.node_lock(job.slug, node.key), wait_s=STRAGGLER_S):
            bench = Bench(there, workspace, before_receipt=lambda: _check(workspace, ticket))
            if not bench.has(node):
                bench.make(node)

    return _told(lambda: _fit(ticket, job), make)


def make_from(ticket: Ticket, parcel: Parcel, job: Job, node: Node) -> tuple[Made, Receipt | None]:
    """Run one stage on a worker that sees the storage alone; the result lies there if there is a receipt for it."""
    given: list[Receipt] = []

    def make(reached: tuple[Storage, Path]) -> None:
        storage, scratch = reached
        with exchange.unpacked(storage, job.slug, node, parcel, scratch) as workspace:
            Bench(dataclasses.replace(job, root=workspace.root), workspace).make(node)
            _check_storage(storage, scratch, ticket)
            given.append(exchange.give(storage, workspace, job.slug, node, parcel))

    made = _told(lambda: _fit_for_storage(ticket, job), make)
    return made, given[0] if given and not made.sentence else None


def _told(fit: Callable[[], T], make: Callable[[T], None]) -> Made:
    """Do a stage where the worker fits. Whatever goes wrong is told in a sentence: what an exception quotes may be private."""
    began, fits = time.monotonic(), False
    try:
        place = fit()
        fits = True
        make(place)
    except StablecastError as refused:
        return Made(time.monotonic() - began, str(refused), refused.exit_code, unfit=not fits)
    except Exception as failed:  # noqa: BLE001 - the scheduler would log what it says
        sentence = (
            f"a worker met a mistake in the program ({type(failed).__name__}); run again without --scheduler to see it"
        )
        return Made(time.monotonic() - began, sentence, 1)
    return Made(time.monotonic() - began)


def _fit(ticket: Ticket, job: Job) -> Workspace:
    """The show as this worker sees it. Raises EnvironmentFailure unless its results would be those of the command's machine."""
    workspace = Workspace(_root())
    _check_version(ticket)
    _check(workspace, ticket)
    _check_tools(job)
    return workspace


def _fit_for_storage(ticket: Ticket, job: Job) -> tuple[Storage, Path]:
    """The storage as this worker sees it, and where it may unpack. Raises EnvironmentFailure likewise."""
    scratch, described = _root(), os.environ.get(STORAGE_VARIABLE)
    _check_version(ticket)
    if not described:
        raise EnvironmentFailure("a worker was started without --storage and this run with one; start it so")
    storage = exchange.storage(codecs.parsed(TargetParams, described.encode()), scratch)
    _check_storage(storage, scratch, ticket)
    _check_tools(job)
    return storage, scratch


def _root() -> Path:
    root = os.environ.get(ROOT_VARIABLE)
    if not root:
        raise EnvironmentFailure("a worker was not started with `stablecast worker`; stop it and start it so")
    return Path(root)


def _check_version(ticket: Ticket) -> None:
    if ticket.version != __version__:
        raise EnvironmentFailure("a worker has another version of stablecast; install the same one everywhere")


def _check_tools(job: Job) -> None:
    if _tools(job.production.settings) != job.production.tools:
        raise EnvironmentFailure(
            "a worker has other models or another ffmpeg than this machine; install the same ones everywhere"
        )


def _check_storage(storage: Storage, scratch: Path, ticket: Ticket) -> None:
    """Raises EnvironmentFailure unless this is the storage of the run, and the run goes on."""
    if not exchange.lasts(storage, ticket.nonce, scratch):
        raise EnvironmentFailure(
            "a worker does not see the storage of this run; name the same one with --storage there"
        )


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

    Where the settings name a storage, no show in `root` is needed. A process that takes more memory, or dies, is started anew.
    Raises UsageRefused and EnvironmentFailure as `crew` does.
    """
    security = _security(params)
    if not params.storage:
        Workspace.open(root)
    distributed = _distributed()

    async def main(environments: tuple[dict[str, str], ...], scratch: str) -> None:
        working = asyncio.current_task()
        if working is not None:  # ended by `kill` or an init system: what was unpacked goes all the same
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, working.cancel)
        nannies = [
            distributed.Nanny(
                params.scheduler,
                nthreads=1,
                memory_limit=memory_bytes,
                security=security,
                protocol="tls",
                local_directory=scratch,
                env=environment,
                dashboard=False,
                dashboard_address="127.0.0.1:0",
                death_timeout=CONNECT_S,
            )
            for environment in environments
        ]
        try:
            await asyncio.gather(*nannies)
            await asyncio.gather(*(nanny.finished() for nanny in nannies))
        finally:
            await asyncio.gather(*(nanny.close(timeout=5) for nanny in nannies), return_exceptions=True)

    with _configured(), tempfile.TemporaryDirectory(prefix="stablecast-") as scratch:
        environments = tuple(_environment(root, params, Path(scratch, f"show-{n}")) for n in range(workers))
        try:
            asyncio.run(main(environments, scratch))
        except asyncio.CancelledError:
            return
        except (OSError, RuntimeError, TimeoutError) as failed:
            raise EnvironmentFailure(_UNREACHED) from failed


def _environment(root: Path, params: ClusterParams, folder: Path) -> dict[str, str]:
    """What a process is told: where the show lies, or which storage, and in which folder of its own it may unpack from there."""
    if not params.storage:
        return {ROOT_VARIABLE: str(root.resolve())}
    files.make_folder(folder)
    by = exchange.params_of(params)
    exchange.storage(by, folder)  # whether it can be opened is told to a person here, and not by a task
    return {ROOT_VARIABLE: str(folder.resolve()), STORAGE_VARIABLE: codecs.canonical(by).decode()}
