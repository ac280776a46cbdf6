"""The first process of a container (PID 1): it forwards signals to the program, its child, and reaps orphans.

The kernel makes it the parent of all orphans, and gives it no default actions for signals (pid_namespaces(7)). The
program itself cannot reap orphans, because it waits for children of its own.
"""

import os
import signal

_INIT_PID = 1
_FORWARDED = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGQUIT})
# sigaction(2), SI_KERNEL: not sent by a process. A terminal's Ctrl-C reaches the program as well, in the same group.
_FROM_KERNEL = 0x80
# A shell reports a command that a signal ended with this exit code plus the signal's number.
_SIGNAL_EXIT_CODE = 128


def leave_first_process() -> None:
    """Continue in a child if this process is the first of a container; that one exits with the child's exit code."""
    if os.getpid() != _INIT_PID:
        return
    awaited = {*_FORWARDED, signal.SIGCHLD}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    program = os.fork()
    if program:
        os._exit(_serve(program, awaited))
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _serve(program: int, awaited: set[signal.Signals]) -> int:
    """Forward signals and reap orphans until the program ends, and return its exit code."""
    while True:
        received = signal.sigwaitinfo(awaited)
        if received.si_signo == signal.SIGCHLD:
            status = _reap().get(program)
            if status is not None:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else _SIGNAL_EXIT_CODE - code
        elif received.si_code != _FROM_KERNEL:
            os.kill(program, received.si_signo)


def _reap() -> dict[int, int]:
    """Reap all children that have ended, and return the status of each."""
    ended: dict[int, int] = {}
    try:
        while (child := os.waitpid(-1, os.WNOHANG))[0]:
            ended |= [child]
    except ChildProcessError:  # none is left
        return ended
    return ended
