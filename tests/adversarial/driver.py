"""The command line, many hundred times: a warm process that forks once a command.

What is driven is `stablecast.cli.main.main` with an `argv`, as the installed program runs it: its umask, limits, exit codes and
streams; each command is a process of its own and can be killed. Two things are not as a user has them, and save hours:
modules are imported before the fork, and the keyring's passphrase is stretched by one SHA-256 instead of a second of scrypt
(`test_keyring` has the real one). With `fakes`, `run` works with a recogniser and a finder that know the answer
(`adversarial.fakes`); everything else, the voice and ffmpeg included, is real.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import stablecast

TESTS = Path(__file__).parents[1]
PACKAGE_ROOT = Path(stablecast.__file__).parents[1]  # the one that this test runs against, whichever it is
LONGEST_S = 60.0  # a command that works longer than this hangs


@dataclass(frozen=True)
class Answer:
    """What became of one command."""

    code: int  # -9 where it was killed
    out: str
    err: str
    seconds: float
    rss_mb: float  # the most memory it, or anything it started and waited for, held at once
    signalled: bool = False

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def said(self) -> bytes:
        return (self.out + self.err).encode()


class Driver:
    """A process that runs commands in an environment; several threads may ask at once. Close it.

    `first` is where modules are looked for before anywhere else.
    """

    def __init__(
        self, environment: dict[str, str], folder: Path, *, fakes: bool = False, first: Path | None = None
    ) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "adversarial.driver", "fakes" if fakes else "real"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={
                **environment,
                "PYTHONPATH": os.pathsep.join(map(str, [*([first] if first else []), PACKAGE_ROOT, TESTS])),
                "OMP_NUM_THREADS": "1",
            },
            cwd=folder,
        )
        self._asking = threading.Lock()
        self._answers: dict[int, dict[str, Any]] = {}
        self._news = threading.Condition()
        self._next = 0
        self._started: dict[int, int] = {}
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told = json.loads(line)
            with self._news:
                if "pid" in told:
                    self._started[told["number"]] = told["pid"]
                else:
                    self._answers[told["number"]] = told
                self._news.notify_all()

    def ask(self, *argv: str | Path, kill_after_s: float | None = None, **more: Any) -> int:
        """Start a command. `more`: `cwd`, `env`, `limits` ({"FSIZE": 4096}), `umask`."""
        with self._asking:
            self._next += 1
            number = self._next
            request = {"number": number, "argv": [os.fspath(a) for a in argv], "kill": kill_after_s, **more}
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(request, default=str).encode() + b"\n")
            self._process.stdin.flush()
        return number

    def pid_of(self, number: int) -> int:
        with self._news:
            assert self._news.wait_for(lambda: number in self._started, LONGEST_S)
            return self._started[number]

    def answer(self, number: int) -> Answer:
        """What became of it. A traceback, or code 1, is a bug of ours wherever it happens."""
        with self._news:
            assert self._news.wait_for(lambda: number in self._answers, 4 * LONGEST_S), "the command hangs"
            told = self._answers.pop(number)
        killed = told["status"] == -signal.SIGKILL
        found = Answer(told["status"], told["out"], told["err"], told["seconds"], told["rss_mb"], killed)
        assert "Traceback" not in found.err, found.err
        assert found.code != 1, found
        return found

    def __call__(self, *argv: str | Path, **more: Any) -> Answer:
        return self.answer(self.ask(*argv, **more))

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


# --- the process itself ----------------------------------------------------------------------------------------------


def _quick_passphrase() -> None:
    """Another stretching of the passphrase, in the same place and with the same refusals."""
    import pyrage
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    def cipher(passphrase: str) -> ChaCha20Poly1305:
        return ChaCha20Poly1305(hashlib.sha256(passphrase.encode()).digest())

    def encrypt(data: bytes, passphrase: str) -> bytes:
        nonce = os.urandom(12)
        return nonce + cipher(passphrase).encrypt(nonce, data, None)

    def decrypt(sealed: bytes, passphrase: str) -> bytes:
        try:
            return cipher(passphrase).decrypt(sealed[:12], sealed[12:], None)
        except (InvalidTag, ValueError) as refused:
            raise pyrage.DecryptError("it does not open") from refused

    pyrage.passphrase = types.SimpleNamespace(encrypt=encrypt, decrypt=decrypt)  # type: ignore[attr-defined]


def _command(request: dict[str, Any], out: BinaryIO, err: BinaryIO) -> None:
    """In the child: become the command."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with open(os.devnull) as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), 0)
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    os.environ.update(request.get("env", {}))
    if hasattr(time, "tzset"):
        time.tzset()
    if "umask" in request:
        os.umask(request["umask"])
    if "cwd" in request:
        os.chdir(request["cwd"])
    for name, value in request.get("limits", {}).items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))
    if "FSIZE" in request.get("limits", {}):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # as Python does at its own start
    sys.argv = ["stablecast", *request["argv"]]
    from stablecast.cli.main import main

    code: Any = 0
    try:
        main()
    except SystemExit as ended:
        code = ended.code
    except BaseException:  # noqa: BLE001 - shown as the interpreter would
        import traceback

        traceback.print_exc()
        code = 1
    with contextlib.suppress(Exception):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(int(code or 0))


def _run(request: dict[str, Any], told: threading.Lock) -> None:
    with tempfile.TemporaryFile(dir="/dev/shm") as out, tempfile.TemporaryFile(dir="/dev/shm") as err:
        began = time.monotonic()
        child = os.fork()
        if child == 0:
            try:
                _command(request, out, err)
            finally:
                os._exit(1)
        _tell({"number": request["number"], "pid": child}, told)
        stop, late = threading.Event(), threading.Event()
        limit_s = LONGEST_S if request["kill"] is None else request["kill"]

        def kill() -> None:
            if not stop.wait(limit_s):
                late.set()
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)

        watching = threading.Thread(target=kill, daemon=True)
        watching.start()
        _, status, used = os.wait4(child, 0)
        stop.set()
        watching.join()
        texts = {}
        for name, file in (("out", out), ("err", err)):
            file.seek(0)
            texts[name] = file.read().decode(errors="backslashreplace")
        code = os.waitstatus_to_exitcode(status)
        if late.is_set() and request["kill"] is None:
            texts["err"] += f"\nTraceback: it did not end in {LONGEST_S:g} s"
        answer = {"number": request["number"], "status": code, "rss_mb": used.ru_maxrss / 1024, **texts}
        _tell({**answer, "seconds": time.monotonic() - began}, told)


def _tell(what: dict[str, Any], told: threading.Lock) -> None:
    with told:
        os.write(_ANSWERS, json.dumps(what).encode() + b"\n")


_ANSWERS = 1


def serve(fakes: bool) -> None:
    """Read requests from stdin, one a line, and tell their answers on stdout, until stdin ends."""
    import stablecast.cli.main
    import stablecast.studio
    import stablecast.web.served  # noqa: F401 - so that every module is there before the first fork

    _quick_passphrase()
    if fakes:
        from adversarial import fakes as knowing

        knowing.install()
    told = threading.Lock()
    for line in sys.stdin.buffer:
        # a thread that waits for each: children are forked from it while no other thread holds a lock of Python's
        threading.Thread(target=_run, args=(json.loads(line), told), daemon=True).start()


if __name__ == "__main__":
    serve(sys.argv[1] == "fakes")
