"""The tiers of confinement, strongest first, and how a warm process is started in each.

A  namespaces: bubblewrap around the warm process, with a root that holds system libraries and the
   Python environment only, and namespaces of its own for each notebook inside that
B  Landlock and a filter of system calls, where namespaces are refused, as in many pods
C  another user and a filter of system calls; needs root
D  nothing: only with --allow-unconfined
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
TANDEM = Path(find_spec("tandem").origin).resolve().parent  # found, not imported
FIRST_UID = 61184  # the first of the numbers that systemd keeps for users made on the fly
INSIDE = "/grader"  # where our own code lies in tier A
FOLDER = "/home/student"  # a notebook's folder in tier A
HOME = "/home/warm"  # where the warm process keeps caches in tier A, read-only for notebooks
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32")
ETC = ("alternatives", "fonts", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime")
ETC += ("mime.types", "nsswitch.conf", "ssl")


@dataclass(frozen=True)
class Tier:
    """What holds a notebook. `uid` is 0 where the user is not changed.

    `one_at_a_time` where notebooks have folders in common: they are swept after each.
    """

    name: str
    namespaces: bool = False
    landlock: bool = False
    filter: bool = True
    uid: int = 0
    drop_early: bool = False
    one_at_a_time: bool = False
    readable: tuple[str, ...] = ()
    writable: tuple[str, ...] = ("/dev/null",)


def tier(name: str) -> Tier:
    """The tier of this name as this user can have it; raises ValueError for an unknown one."""
    uid = FIRST_UID if os.getuid() == 0 else 0
    if name == "A":
        return Tier("A", namespaces=True, uid=uid, drop_early=True)
    if name == "B":
        return Tier("B", landlock=True, uid=uid, readable=_readable())
    if name == "C":
        return Tier("C", uid=uid, one_at_a_time=True)
    if name == "D":
        return Tier("D", filter=False)
    raise ValueError(f"there is no tier {name!r}")


def start(tier: Tier, warm: str, fd: int, home: str) -> subprocess.Popen:
    """Start a warm process of kind `warm` that listens on the socket `fd`.

    `home` is the folder for its caches. It ends when the thread that calls this ends: call it from
    one that stays.
    """
    settings = json.dumps({"warm": warm, "tier": asdict(tier), "home": home})
    ours = [INSIDE] if tier.namespaces else [str(PACKAGE), str(TANDEM.parent)]
    path = os.pathsep.join([*ours, *package_folders()])
    command = [sys.executable, "-P", "-m", "inside.zygote", str(fd), settings]
    environment = _environment(home, path)
    if tier.namespaces:
        command = [*_bubblewrap(environment), *command]
    return subprocess.Popen(
        command,
        env=environment,
        pass_fds=[fd],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd="/",
        start_new_session=True,
    )


def _environment(home: str, path: str) -> dict[str, str]:
    """All of the environment that a notebook sees; nothing of the grader's own is in it."""
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "PYTHONPATH": path,
        "HOME": home,
        "TMPDIR": home,
        "USER": "student",
        "LOGNAME": "student",
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MPLCONFIGDIR": f"{home}/matplotlib",
        "IPYTHONDIR": f"{home}/ipython",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "PIP_RETRIES": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "NBGRADER_EXECUTION": "autograde",
    }


def _bubblewrap(environment: dict[str, str]) -> list[str]:
    """bubblewrap and a root of what a notebook needs, all of it read-only."""
    program = shutil.which("bwrap")
    if program is None:
        raise FileNotFoundError("bubblewrap (the program bwrap) is not installed")
    command = [program, "--unshare-pid", "--unshare-ipc", "--unshare-net", "--unshare-uts"]
    command += ["--unshare-cgroup-try", "--die-with-parent", "--new-session", "--clearenv"]
    # the warm process mounts /proc anew, where bubblewrap covers parts of it as root
    command += ["--unshare-user"] if os.getuid() != 0 else ["--cap-add", "CAP_SYS_ADMIN"]
    for name, value in environment.items():
        command += ["--setenv", name, value]
    for place in map(Path, SYSTEM):
        if place.is_symlink():
            command += ["--symlink", os.readlink(place), str(place)]
        elif place.is_dir():
            command += ["--ro-bind", str(place), str(place)]
    command += ["--perms", "0755", "--dir", "/etc"]
    for name in ETC:
        command += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    command += ["--proc", "/proc", "--dev", "/dev", "--perms", "0755", "--tmpfs", "/tmp"]
    command += [*_folders_down_to(FOLDER), "--dir", FOLDER]
    command += ["--perms", "0777", "--size", str(64 * 2**20), "--tmpfs", HOME]
    shown = {place: place for place in python_environment()}
    shown |= {str(PACKAGE / "inside"): f"{INSIDE}/inside", str(TANDEM): f"{INSIDE}/tandem"}
    for place, target in shown.items():
        command += [*_folders_down_to(target), "--ro-bind", place, target]
    for secret in _secrets():
        command += ["--tmpfs", secret]
    for place in ("/tmp", "/dev", "/"):
        command += ["--remount-ro", place]
    return command


def _folders_down_to(place: str) -> list[str]:
    """The folders above `place`, open to every user; bubblewrap alone would close them."""
    above = [str(folder) for folder in reversed(Path(place).parents) if str(folder) != "/"]
    return [word for folder in above for word in ("--perms", "0755", "--dir", folder)]


def python_environment() -> list[str]:
    """Folders of this Python and its packages that do not lie under the system's own."""
    places = {Path(place).resolve() for place in (sys.prefix, sys.base_prefix, *package_folders())}
    return sorted(str(p) for p in places if not any(p.is_relative_to(s) for s in SYSTEM[:1]))


def package_folders() -> list[str]:
    """Where installed packages are. A checkout that Python also looks into is left out: it holds
    answers."""
    return [place for place in sys.path if place.endswith(("site-packages", "dist-packages"))]


def _secrets() -> list[str]:
    """Folders below what is shown that hold answers: ours, when they are installed as packages."""
    shown = [*map(Path, SYSTEM), *map(Path, python_environment())]
    found = [PACKAGE, TANDEM / "_course"]
    hidden = [str(f) for f in found if f.is_dir() and any(f.is_relative_to(s) for s in shown)]
    inside = TANDEM / "_course"
    return hidden + ([f"{INSIDE}/tandem/_course"] if inside.is_dir() else [])


def _readable() -> tuple[str, ...]:
    """What Landlock leaves readable in tier B."""
    etc = [f"/etc/{name}" for name in ETC]
    own = [*python_environment(), str(PACKAGE / "inside"), str(TANDEM)]
    devices = ["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom", "/sys"]
    devices += [f"/proc/{name}" for name in ("cpuinfo", "meminfo", "stat", "filesystems", "sys")]
    return (*SYSTEM, *etc, *own, *devices)
