"""Everything that can go wrong in the world, as a tree; each class carries the exit code it ends a command with.

    StablecastError
    ├── UsageRefused        2  the command or a settings file asks for something that does not exist
    ├── InputRefused        3  a recording or picture that will not be taken in
    ├── GateClosed          4  a rule says: not now, and why
    ├── Locked              5  another command is writing
    ├── IntegrityFailure    6  what is on disk is not what was put there, or no key here opens it
    └── EnvironmentFailure  7  this machine lacks something: a program, memory, disk, time

A message is one sentence for the person who can act: what, why, what to do next. It never holds a word of a transcript,
a name, a passphrase or the name of a source file. A caller's mistake is a `ValueError` (a bug, exit code 1), not one of these.
"""


class StablecastError(Exception):
    """The base of every error a person is told about in one sentence."""

    exit_code = 1


class UsageRefused(StablecastError):
    """The command line or a settings file asks for something that does not exist."""

    exit_code = 2


class InputRefused(StablecastError):
    """A file from outside that is not taken in; nothing of it is kept."""

    exit_code = 3


class GateClosed(StablecastError):
    """A rule of the workflow, or a check of the product, says no."""

    exit_code = 4


class Locked(StablecastError):
    """Another command holds the part of the show that this one would write."""

    exit_code = 5


class IntegrityFailure(StablecastError):
    """Stored bytes are not the bytes that were stored, or cannot be opened with the keys at hand."""

    exit_code = 6


class EnvironmentFailure(StablecastError):
    """The machine lacks a program, memory, disk space or time."""

    exit_code = 7
