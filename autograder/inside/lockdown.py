"""What a process gives up before a student's code runs in it. Linux only; each step fails loudly.

Three tools, used as the tier asks (autograder/confine): namespaces of its own, Landlock, another
user; and in every tier limits and a filter of system calls.
"""

import ctypes
import os
import platform
import resource
import struct

libc = ctypes.CDLL(None, use_errno=True)

NAMESPACES = 0x00020000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER = 1, 4, 36
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, PR_CAPBSET_DROP = 38, 22, 24
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND = 1, 2, 4, 8, 32, 0x1000
MS_REC, MS_PRIVATE = 0x4000, 0x40000


def _check(result: int, what: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def prctl(option: int, value: int = 0) -> None:
    _check(libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0), f"prctl {option}")


def hide_memory() -> None:
    """No process of the same user may look into this one or stop it with a debugger."""
    prctl(PR_SET_DUMPABLE, 0)


def die_with_parent() -> None:
    prctl(PR_SET_PDEATHSIG, 9)


def adopt_orphans() -> None:
    """Grandchildren whose parent ends become children of this process."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)


def new_namespaces() -> None:
    """User, mount, process, network, IPC and host name of its own for the next child."""
    uid, gid = os.getuid(), os.getgid()
    prctl(PR_SET_DUMPABLE, 1)  # else the files below belong to root
    _check(libc.unshare(NAMESPACES), "unshare")
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {uid} 1"),
        ("gid_map", f"{gid} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)
    hide_memory()


def mount_private(folders: list[str], size: int, files: int) -> None:
    """An empty file system in memory over each folder, `size` bytes and `files` files at most."""
    _check(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "mount")
    options = f"size={size},nr_inodes={files},mode=0700".encode()
    for folder in folders:
        target = folder.encode()
        _check(libc.mount(b"tmpfs", target, b"tmpfs", MS_NOSUID | MS_NODEV, options), "mount tmpfs")


def see_own_processes() -> None:
    """The list of processes holds those of this namespace and no other."""
    flags = MS_NOSUID | MS_NODEV | MS_NOEXEC
    _check(libc.mount(b"proc", b"/proc", b"proc", flags, None), "mount proc")


def make_read_only(folder: str) -> None:
    """The mount at `folder` can no longer be written through this process's view of it."""
    flags = MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV
    _check(libc.mount(b"none", folder.encode(), None, flags, None), "mount read-only")


def become(uid: int, gid: int) -> None:
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


def drop_capabilities() -> None:
    """Nothing left, and nothing to be had back: not by a set-user-id program either."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    for capability in range(64):
        if libc.prctl(PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0) < 0:
            break
    header = struct.pack("Ii", 0x20080522, 0)
    _check(libc.capset(header, struct.pack("6I", *[0] * 6)), "capset")


def limit(limits: dict) -> None:
    """Backstops for one process; the grader watches the sum of all of a notebook's processes."""
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    seconds = int(limits["notebook_s"]) + 10
    for kind, value in (
        (resource.RLIMIT_AS, used + limits["memory"] + 16 * 2**30),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, limits["disk"]),
        (resource.RLIMIT_NOFILE, 1024),
        (resource.RLIMIT_NPROC, limits["processes"] + _processes_of_user()),
    ):
        _, hard = resource.getrlimit(kind)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))


def _processes_of_user() -> int:
    """Threads this user already has as this process sees them: the limit counts them too."""
    uid, count = os.getuid(), 0
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.stat(f"/proc/{name}").st_uid in (uid, 0):
                count += len(os.listdir(f"/proc/{name}/task"))
        except OSError:
            continue
    return count


# Landlock: which files may be read and written, from kernel 5.13 on. The numbers are its interface.

LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
READ = (1 << 0) | (1 << 2) | (1 << 3)  # execute, read a file, list a folder
FS_BITS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}


def landlock_version() -> int:
    """Version of Landlock in this kernel, 0 when there is none."""
    return max(0, libc.syscall(LANDLOCK_CREATE, None, 0, 1))


def landlock(readable: list[str], writable: list[str]) -> None:
    """Only these paths, and no TCP, no signal and no abstract socket to a process outside."""
    version = landlock_version()
    if version < 6:
        raise OSError(0, f"Landlock {version} cannot fence off signals; 6 is needed")
    everything = (1 << FS_BITS[min(version, 5)]) - 1
    attributes = struct.pack("QQQ", everything, 3, 3)
    rules = _check(libc.syscall(LANDLOCK_CREATE, attributes, len(attributes), 0), "landlock")
    for paths, access in ((readable, READ), (writable, everything)):
        for path in paths:
            _allow(rules, path, access)
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    _check(libc.syscall(LANDLOCK_RESTRICT, rules, 0), "landlock")
    os.close(rules)


def _allow(rules: int, path: str, access: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):  # what cannot be reached needs no rule
        return
    if not os.path.isdir(path):
        access &= 0b1000_0000_0000_0111 | (1 << 14)  # what a file can have: no folder's rights
    rule = struct.pack("=Qi", access, place)
    _check(libc.syscall(LANDLOCK_ADD, rules, 1, rule, 0), f"landlock {path}")
    os.close(place)


# seccomp: a filter of system calls, as the kernel's small machine wants it.

MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# name: number on (x86_64, aarch64)
FORBIDDEN = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "mount_setattr": (442, 442),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "pidfd_getfd": (438, 438),
}
# Memory that nobody sees in the sizes of processes. Libraries then take a file.
UNSEEN = {"memfd_create": (319, 279), "memfd_secret": (447, 447)}
# Landlock lets a user change the rights and times of any file that is theirs. These do nothing and
# say that they did; None where a machine has no such call.
WITHOUT_EFFECT = {
    "chmod": (90, None),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
}
# Shared memory, semaphores and messages that stay in the kernel when their process has ended.
LEFT_BEHIND = {
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
}
CLONE, CLONE3, SOCKET, CONNECT = (56, 220), (435, 435), (41, 198), (42, 203)
NEW_NAMESPACE = 0x7E020000
ALLOW, DONE = 0x7FFF0000, 0x00050000
EPERM, ENOSYS, EACCES = 0x00050001, 0x00050026, 0x0005000D
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, MACHINE, FIRST_ARGUMENT = 0, 4, 16
UNIX, INET, INET6, NETLINK = 1, 2, 10, 16  # families of sockets


def filter_calls(sockets: bool, own_files: bool = False) -> None:
    """Refuse the calls above, and sockets but those of files and of IP.

    With `own_files`, as where files of the same user are fenced off by Landlock alone, rights and
    times of files stay as they are.

    Without `sockets`, as where there is no network namespace, IP and every connection too, and what
    one notebook could leave in the kernel for the next.
    """
    machine = platform.machine()
    if machine not in MACHINES:
        raise OSError(0, f"no filter of system calls for {machine}")
    column = list(MACHINES).index(machine)
    # (instruction, value, jump if true, jump if false)
    program = [(LOAD, MACHINE, 0, 0), (EQUAL, MACHINES[machine], 1, 0), (RETURN, 0x80000000, 0, 0)]
    program += [(LOAD, NUMBER, 0, 0), (AT_LEAST, 0x40000000, 0, 1), (RETURN, EPERM, 0, 0)]
    for numbers in FORBIDDEN.values():
        program += [(EQUAL, numbers[column], 0, 1), (RETURN, EPERM, 0, 0)]
    for numbers in (CLONE3, *UNSEEN.values()):  # for clone3 libc then takes clone
        program += [(EQUAL, numbers[column], 0, 1), (RETURN, ENOSYS, 0, 0)]
    for numbers in WITHOUT_EFFECT.values() if own_files else ():
        if numbers[column] is not None:
            program += [(EQUAL, numbers[column], 0, 1), (RETURN, DONE, 0, 0)]
    if not sockets:
        for numbers in (CONNECT, *LEFT_BEHIND.values()):
            program += [(EQUAL, numbers[column], 0, 1), (RETURN, EACCES, 0, 0)]
    families = (UNIX, INET, INET6, NETLINK) if sockets else (UNIX,)
    program += [(EQUAL, SOCKET[column], 0, 3 + len(families)), (LOAD, FIRST_ARGUMENT, 0, 0)]
    for left, family in zip(reversed(range(len(families))), families, strict=True):
        program += [(EQUAL, family, 1 + left, 0)]
    program += [(RETURN, EACCES, 0, 0), (RETURN, ALLOW, 0, 0)]
    program += [(EQUAL, CLONE[column], 0, 3), (LOAD, FIRST_ARGUMENT, 0, 0)]
    program += [(ANY_BIT, NEW_NAMESPACE, 0, 1), (RETURN, EPERM, 0, 0), (RETURN, ALLOW, 0, 0)]
    code = b"".join(struct.pack("HBBI", op, yes, no, value) for op, value, yes, no in program)
    buffer = ctypes.create_string_buffer(code)
    pointer = struct.pack("HxxxxxxQ", len(program), ctypes.addressof(buffer))
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    _check(libc.prctl(PR_SET_SECCOMP, 2, pointer, 0, 0), "seccomp")
