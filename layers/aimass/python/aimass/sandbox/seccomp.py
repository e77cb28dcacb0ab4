"""The calls of the kernel that numeric libraries need; every other fails with EPERM. By libseccomp, on x86_64 alone.

Left out with intent: sockets of any kind, other programs and processes, namespaces and mounts, ptrace and other
processes' memory, keys, bpf, perf, io_uring, userfaultfd, links, owners, new limits.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform

_FILES = """read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek sendfile copy_file_range
open openat openat2 creat close close_range dup dup2 dup3 pipe pipe2 fsync fdatasync sync_file_range fallocate
truncate ftruncate flock fadvise64 readahead stat fstat lstat newfstatat statx statfs fstatfs access faccessat
faccessat2 readlink readlinkat getcwd chdir fchdir getdents getdents64 mkdir mkdirat rmdir unlink unlinkat rename
renameat renameat2 umask getxattr lgetxattr fgetxattr
listxattr llistxattr flistxattr"""
_MEMORY = "brk munmap mremap mprotect msync madvise mincore get_mempolicy"
_THREADS = """futex futex_waitv set_robust_list get_robust_list set_tid_address rseq membarrier arch_prctl sched_yield
sched_getaffinity sched_getparam sched_getscheduler sched_get_priority_max sched_get_priority_min getcpu
getpriority"""
_TIME = """nanosleep clock_nanosleep clock_gettime clock_getres gettimeofday time times alarm getitimer setitimer
timer_create timer_settime timer_gettime timer_getoverrun timer_delete"""
_WAITING = """poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2
eventfd eventfd2 pause wait4 waitid"""
_SIGNALS = """rt_sigaction rt_sigprocmask rt_sigreturn rt_sigsuspend rt_sigpending rt_sigtimedwait sigaltstack
restart_syscall exit exit_group"""
_ITSELF = """getpid getppid gettid getuid geteuid getgid getegid getgroups getresuid getresgid getpgrp getpgid getsid
capget getrlimit getrusage sysinfo uname getrandom"""
_ALLOWED = " ".join((_FILES, _MEMORY, _THREADS, _TIME, _WAITING, _SIGNALS, _ITSELF)).split()

_TIMES = ("utime", "utimes", "futimesat", "utimensat")
#: These answer that they were done: copying a file sets its mode, which matters to no conversion, and Landlock does
#: not keep the modes of files outside from it.
_IGNORED = ("chmod", "fchmod", "fchmodat", "fchmodat2")

# Flags and options of sched.h, mman.h, prctl.h, fcntl.h and ioctls.h
_CLONE_THREAD = 0x10000
_MAP_PRIVATE, _MAP_TYPE, _MAP_ANONYMOUS, _MAP_GROWSDOWN = 2, 3, 0x20, 0x100
_PRCTL = {"SET_NAME": 15, "GET_NAME": 16, "CAPBSET_READ": 23, "SET_VMA": 0x53564D41}
_FCNTL = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030)  # duplicates, flags and locks; not whom to send which signal
_IOCTL = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # is it a terminal, its size; bytes waiting; blocking; exec

# seccomp.h
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_EQUAL, _MASKED_EQUAL = 4, 7


class _Condition(ctypes.Structure):
    _fields_ = (("argument", ctypes.c_uint), ("operator", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


def _equals(argument: int, value: int) -> _Condition:
    return _Condition(argument, _EQUAL, value, 0)


def _masked(argument: int, mask: int, value: int) -> _Condition:
    return _Condition(argument, _MASKED_EQUAL, mask, value)


def restrict(*, times: bool) -> None:
    """Allows this process for good what is listed here, and with `times` to set those of files.

    Raises OSError without libseccomp 2, or not on x86_64.
    """
    if platform.machine() != "x86_64":
        raise OSError("the filter of system calls is for x86_64 only")
    rules = _Filter(ctypes.CDLL("libseccomp.so.2", use_errno=True))
    for name in (*_ALLOWED, *(_TIMES if times else ())):
        rules.allow(name)
    for name in _IGNORED:
        rules.refuse(name, 0)
    # A thread, and never a process: none outlives this one or escapes its limits. clone3 hides its flags in memory.
    rules.allow("clone", _masked(0, _CLONE_THREAD, _CLONE_THREAD))
    rules.refuse("clone3", errno.ENOSYS)
    # Memory that is shared and has no file counts against no limit, nor does what may grow as a stack does.
    rules.allow("mmap", _masked(3, _MAP_ANONYMOUS | _MAP_GROWSDOWN, 0))
    rules.allow("mmap", _masked(3, _MAP_TYPE | _MAP_GROWSDOWN, _MAP_PRIVATE))
    for name in ("kill", "tgkill"):
        rules.allow(name, _equals(0, os.getpid()))
    rules.allow("prlimit64", _equals(0, 0), _equals(2, 0))
    rules.allow("prlimit64", _equals(0, os.getpid()), _equals(2, 0))
    rules.allow("sched_setaffinity", _equals(0, 0))
    for name, argument, values in (("prctl", 0, _PRCTL.values()), ("fcntl", 1, _FCNTL), ("ioctl", 1, _IOCTL)):
        for value in values:
            rules.allow(name, _equals(argument, value))
    rules.load()


class _Filter:
    """libseccomp's filter. A name that an older libseccomp does not know stays denied."""

    def __init__(self, library: ctypes.CDLL) -> None:
        library.seccomp_init.restype = ctypes.c_void_p
        self._library = library
        self._context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(_ERRNO | errno.EPERM)))
        if not self._context:
            raise OSError("libseccomp made no filter")

    def allow(self, name: str, *conditions: _Condition) -> None:
        self._add(_ALLOW, name, conditions)

    def refuse(self, name: str, number: int) -> None:
        self._add(_ERRNO | number, name, ())

    def _add(self, action: int, name: str, conditions: tuple[_Condition, ...]) -> None:
        number = self._library.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            return
        array = (_Condition * len(conditions))(*conditions)
        failed = self._library.seccomp_rule_add_array(
            self._context, ctypes.c_uint32(action), ctypes.c_int(number), ctypes.c_uint(len(conditions)), array
        )
        _succeeded(failed)

    def load(self) -> None:
        _succeeded(self._library.seccomp_load(self._context))
        self._library.seccomp_release(self._context)


def _succeeded(result: int) -> None:
    """libseccomp answers with the error's number, below zero."""
    if result < 0:
        raise OSError(-result, os.strerror(-result))
