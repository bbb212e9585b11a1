"""What Windows and macOS lack, taken away, and how Windows treats files, put in its place: for every process whose
PYTHONPATH names this folder, those that it starts among them.

No Windows: C code sees the system as it is, and what third parties do there by other means (psutil, filelock,
subprocess, multiprocessing) keeps its own means. All else, this package above all, meets:

- no /proc, /sys or /dev/shm; no resource, fcntl, pwd, grp, termios; no affinity, fork, process groups, SIGKILL;
- processes that are spawned, and ended without a chance to say anything (TerminateProcess);
- names that Windows refuses; a rename that does not replace; an open file that cannot be moved or deleted;
- links that only an administrator makes; text files without a named encoding as errors.
"""

from __future__ import annotations

import builtins
import errno
import io
import multiprocessing
import multiprocessing.popen_fork
import os
import re
import shutil
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import filelock  # noqa: F401  # it locks by other means there
import psutil  # noqa: F401  # it asks the system by other means there

HIDDEN = ("/proc/", "/sys/", "/dev/shm")
ALLOWED = ("psutil", "importlib", "multiprocessing")  # whose own business the system is
MODULES = ("resource", "fcntl", "pwd", "grp", "termios", "pty", "tty", "syslog", "posix_ipc")
OF_OS = "sched_getaffinity sched_setaffinity fork forkpty killpg setsid setpgid getpgid getpgrp O_DIRECT mkfifo getuid "
OF_OS += "geteuid getgid getegid posix_fadvise posix_fallocate memfd_create statvfs fchown chown lchown chroot nice "
OF_OS += "wait3 wait4 getloadavg sendfile sync"
OF_SIGNAL = "SIGKILL SIGHUP SIGALRM SIGUSR1 SIGUSR2 SIGCHLD SIGPIPE SIGXFSZ setitimer pthread_kill pthread_sigmask"
REFUSED = re.compile(r'[<>:"|?*\x00-\x1f]|[. ]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)', re.IGNORECASE)
_open, _stat, _listdir, _readlink = builtins.open, os.stat, os.listdir, os.readlink


def _hidden(path: Any) -> bool:
    if isinstance(path, int) or not os.fspath(path):
        return False
    name = os.fsdecode(path)
    if not name.startswith(HIDDEN):
        return False
    frame: Any = sys._getframe(2)
    while frame and _owner(frame) in ("pathlib", "io", "genericpath", "os", __name__):
        frame = frame.f_back
    return not frame or _owner(frame) not in ALLOWED


def _owner(frame: Any) -> str:
    return str(frame.f_globals.get("__name__", "")).split(".")[0]


def _named(path: Any) -> None:
    """As NTFS takes names; "." and ".." are no names."""
    if isinstance(path, int):
        return
    for part in os.fsdecode(path).split("/"):
        if part not in ("", ".", "..") and REFUSED.search(part) and not os.fsdecode(path).startswith("/dev/"):
            raise OSError(errno.EINVAL, f"Windows takes no such name: {part}", os.fsdecode(path))


def _held(path: Any) -> None:
    """Raises PermissionError where this process has the file, or one in the folder, open or mapped."""
    full = os.path.realpath(path)
    names = []
    for number in _listdir("/proc/self/fd"):
        try:
            names.append(_readlink(f"/proc/self/fd/{number}"))
        except OSError:
            continue
    with _open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
        names += [line.split(maxsplit=5)[5].rstrip("\n") for line in maps if line.count("/") and len(line.split()) > 5]
    if any(name == full or name.startswith(full + "/") for name in names):
        raise PermissionError(errno.EACCES, "on Windows: used by another process, or by this one", os.fsdecode(path))


def _opened(real: Any) -> Any:
    def opener(file: Any, mode: str = "r", *more: Any, **named: Any) -> Any:
        if _hidden(file):
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", os.fsdecode(file))
        if set(mode) & set("wax+"):
            _named(file)
        unsaid = "b" not in mode and "encoding" not in named and len(more) < 2
        if unsaid and _owner(sys._getframe(1)) == "secateur":  # Python's own warning would name this file
            raise EncodingWarning(f"{file} is opened as text in the language of the machine")
        return real(file, mode, *more, **named)

    return opener


def _opened_low(real: Any) -> Any:
    def opener(path: Any, flags: int, *more: Any, **named: Any) -> Any:
        if _hidden(path):
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", os.fsdecode(path))
        if flags & os.O_CREAT:
            _named(path)
        return real(path, flags, *more, **named)

    return opener


def _shown(real: Any) -> Any:
    def asker(path: Any = ".", *more: Any, **named: Any) -> Any:
        if _hidden(path):
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", os.fsdecode(path))
        return real(path, *more, **named)

    return asker


def _moved(real: Any, replaces: bool) -> Any:
    def mover(source: Any, target: Any, **named: Any) -> None:
        _named(target)
        if not replaces and os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, "on Windows: it is there already", os.fsdecode(source))
        if Path(target).is_dir():
            raise PermissionError(errno.EACCES, "on Windows: a folder is never replaced", os.fsdecode(target))
        _held(source)
        if os.path.lexists(target):
            _held(target)
        real(source, target, **named)

    return mover


def _removed(real: Any) -> Any:
    def remover(path: Any, **named: Any) -> None:
        if "dir_fd" not in named or named["dir_fd"] is None:
            _held(path)
        real(path, **named)

    return remover


def _made(real: Any) -> Any:
    def maker(path: Any, *more: Any, **named: Any) -> None:
        _named(path)
        real(path, *more, **named)

    return maker


def _no_link(*_: Any, **__: Any) -> None:
    raise OSError(errno.EPERM, "A required privilege is not held by the client")


def _only_spawn(name: str | None = None) -> Any:
    if name not in (None, "spawn"):
        raise ValueError(f"cannot find context for {name!r}")
    return _spawn


for _name in OF_OS.split():
    if hasattr(os, _name):
        delattr(os, _name)
for _name in OF_SIGNAL.split():
    if hasattr(signal, _name):
        delattr(signal, _name)
for _name in MODULES:
    sys.modules[_name] = None  # type: ignore[assignment]
_os: Any = os
_os.stat, _os.listdir, _os.scandir = _shown(os.stat), _shown(os.listdir), _shown(os.scandir)
_os.open = _opened_low(os.open)
_os.rename, _os.replace = _moved(os.rename, False), _moved(os.replace, True)
_os.unlink = _os.remove = _removed(os.unlink)
_os.mkdir, _os.symlink = _made(os.mkdir), _no_link
_anything: Any = builtins
_anything.open = _opened(builtins.open)
_anything = io
_anything.open = builtins.open
_anything = shutil
_anything._use_fd_functions = _anything._USE_CP_SENDFILE = False
_anything = subprocess.Popen
_anything.kill = _anything.terminate = lambda self: self.send_signal(9)
_anything = multiprocessing.popen_fork.Popen
_anything.kill = _anything.terminate = lambda self: self._send_signal(9)
_spawn = multiprocessing.get_context("spawn")
multiprocessing.set_start_method("spawn", force=True)
_anything = multiprocessing
_anything.get_context = _only_spawn
warnings.filterwarnings("error", category=EncodingWarning, module=r"secateur(\..*)?$")
