"""What a process sets up before anything else; its children inherit it."""

import os
import resource
import sys

_STANDARD_ERROR = 2

# A limit of 0 keeps the kernel from writing a file, but not from passing the memory to a program that the host's
# core_pattern names. A limit of 1 prevents both (fs/coredump.c: "Process has RLIMIT_CORE set to 1. Aborting core").
_NO_CORE = 1


def require_utf8() -> None:
    """Start the program anew in Python's UTF-8 mode (PEP 540) if the locale has another encoding.

    Keys are UTF-8, whatever the locale is: in arguments, environment and output.
    """
    if sys.getfilesystemencoding() != "utf-8" and os.environ.get("PYTHONUTF8") != "1":
        os.execve(sys.executable, sys.orig_argv, os.environ | {"PYTHONUTF8": "1"})  # noqa: S606 - this program


def disable_core_files() -> None:
    """Ensure that a crash writes no memory image: it would hold credentials."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    limit = 0 if hard == 0 else _NO_CORE
    resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))


def occupy_closed_descriptors() -> None:
    """Open /dev/null for each of standard input, output and error that is closed.

    Otherwise the next file or connection would get its number, and what a library or a child prints.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STANDARD_ERROR:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
