"""How notebooks and tests run: without keys, without a provider, without a network.

`apply()` changes this process's environment (kernels inherit it); `loopback_only()` cuts the network off where the
machine allows it; `block_sockets()` is what remains elsewhere: Python itself then refuses to leave the machine.
"""

import ctypes
import os
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_SECRET = re.compile(r"(_API_KEY|_API_TOKEN|_ACCESS_KEY|_SECRET|_TOKEN)$")
_CHOICES = ("COURSE_PROVIDER", "COURSE_EMBEDDING", "COURSE_RERANKER", "COURSE_SPEECH", "COURSE_WHISPER")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "no_proxy")
# What course_utils.settings sets on import, unless it is set, or the provider in use needs it otherwise.
_LEFT_TO_SETTINGS = re.compile(
    r"^(HF_HUB_|LANGSMITH_|LANGCHAIN_TRACING|ANONYMIZED_TELEMETRY|HAYSTACK_TELEMETRY|LANGFUSE_)"
)
_FIXED = {"TRANSFORMERS_OFFLINE": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1", "JUPYTER_PLATFORM_DIRS": "1"}
# Another machine, as far as one machine can be another: what must not change an output.
ELSEWHERE = {
    "PYTHONHASHSEED": "1",
    "TZ": "Pacific/Auckland",
    "LC_ALL": "C.UTF-8",
    "OPENBLAS_CORETYPE": "Haswell",
    "ATEN_CPU_CAPABILITY": "default",
    "OMP_NUM_THREADS": "1",
}
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000


def environment(folder: str | Path, replies: str | None = None) -> dict[str, str]:
    """This process's environment without keys, provider and proxies, and with an empty COURSE_STATE in a folder.

    replies: value of COURSE_REPLIES; None keeps what is set, and 'replay' where nothing is set.
    """
    kept = {}
    for name, value in os.environ.items():
        choice = name in _CHOICES or _LEFT_TO_SETTINGS.match(name)
        if not (choice or _SECRET.search(name.upper()) or name.lower() in _PROXIES):
            kept[name] = value
    kept |= dict.fromkeys(_names_in_env_file(), "")  # settings fill in what is not set: so the file's value stays out
    kept |= _FIXED | {"COURSE_REPLIES": replies or kept.get("COURSE_REPLIES") or "replay"}
    for name, part in (("COURSE_STATE", "state"), ("IPYTHONDIR", "ipython")):
        (Path(folder) / part).mkdir(parents=True, exist_ok=True)
        kept[name] = str(Path(folder) / part)
    return kept


def apply(folder: str | Path, replies: str | None = None) -> None:
    """Make `environment` that of this process, and so of the kernels that it starts."""
    kept = environment(folder, replies)
    os.environ.clear()
    os.environ.update(kept)


def empty_state(name: str) -> None:
    """Give what follows an empty COURSE_STATE of its own, beside the one in use."""
    os.environ["COURSE_STATE"] = tempfile.mkdtemp(prefix=f"{name}-", dir=Path(os.environ["COURSE_STATE"]).parent)


def _names_in_env_file():
    """Names of keys and of a provider that the checkout's .env sets."""
    file = ROOT / ".env"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    names = [line.strip().removeprefix("export ").partition("=")[0].strip() for line in lines if "=" in line]
    return [n for n in names if n in _CHOICES or _SECRET.search(n)]


def _raise_loopback():
    """`ip link set lo up`, without the program: SIOCGIFFLAGS, then SIOCSIFFLAGS with IFF_UP."""
    import fcntl
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(s, 0x8913, request))[1]
        fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", b"lo", flags | 1))


def _enter_namespace():
    """Move this process into a network namespace of its own. OSError where the machine does not allow it."""
    if not sys.platform.startswith("linux"):
        raise OSError("no network namespaces on this system")
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWNET) != 0:  # root; everyone else needs a user namespace too
        if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1", encoding="ascii")
    _raise_loopback()


def loopback_only() -> bool:
    """Cut this process and its children off from every network but loopback; whether that was possible.

    It is tried in a child first, since a namespace that is half set up cannot be left again.
    """
    if not sys.platform.startswith("linux"):
        return False
    trial = subprocess.run([sys.executable, __file__, "--try"], capture_output=True)
    if trial.returncode == 0:
        _enter_namespace()
    return trial.returncode == 0


def block_sockets() -> None:
    """Make every Python that this process starts refuse connections that leave the machine."""
    here = str(ROOT / "tools" / "no_network")
    os.environ["PYTHONPATH"] = os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])


if __name__ == "__main__":  # the trial
    _enter_namespace()
