"""Compiles C source once on each machine, with the compiler that is there, if one is."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from functools import cache, lru_cache
from pathlib import Path

from dgm_core.calculus.jets.kernels.source import prelude

SWITCH = "DGM_KERNELS"
"""Set to "off", this environment variable does without compiled kernels."""

_FLAGS = (
    "-O3",
    "-march=native",
    "-std=gnu11",
    "-fPIC",
    "-shared",
    "-fopenmp-simd",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-ffp-contract=fast",
    *(f"-fno-builtin-{name}" for name in ("sin", "cos", "sinf", "cosf")),
)
_LIBRARIES = ("-lmvec", "-lm")
_TRIAL = (
    "void trial(T *restrict x, long n)\n{\n  #pragma omp simd\n  for (long i = 0; i < n; i++)\n"
    "    x[i] = TANH(x[i]) + EXP(x[i]) + EXPM1(x[i]) + SIN(x[i]) + COS(x[i]) + POW(x[i], x[i]);\n}\n"
)


@cache
def compiler() -> str | None:
    """The C compiler's name and version, if there is one that can build the kernels; else None.

    Whether there is one is part of what decides a training's rounding: it is recorded with every study.
    """
    command = _command()
    if command is None or os.environ.get(SWITCH, "").lower() in ("off", "0", "no", "false"):
        return None
    try:
        library(prelude(double=False) + _TRIAL)
    except (OSError, subprocess.SubprocessError):
        return None
    return _version(command)


@lru_cache(maxsize=1024)
def library(source: str) -> ctypes.CDLL:
    """The shared library of some C source, from the cache on disk or compiled into it.

    Raises OSError or subprocess.SubprocessError where it cannot be built.
    """
    command = _command()
    if command is None:
        raise OSError("there is no C compiler")
    key = "\n".join((source, *_FLAGS, *_LIBRARIES, _version(command), _processor()))
    path = _folder() / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.so"
    if not path.exists():
        _compile(command, source, path)
    return ctypes.CDLL(str(path))


def _compile(command: str, source: str, path: Path) -> None:
    # Into a file of its own, then renamed: another process sees a whole library or none.
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        text, built = Path(folder) / "kernel.c", Path(folder) / "kernel.so"
        text.write_text(source)
        arguments = [command, *_FLAGS, "-o", str(built), str(text), *_LIBRARIES]
        subprocess.run(arguments, check=True, capture_output=True, timeout=120)
        os.replace(built, path)


def _command() -> str | None:
    return next(filter(None, map(shutil.which, filter(None, (os.environ.get("CC"), "gcc", "cc")))), None)


@cache
def _version(command: str) -> str:
    version = subprocess.run([command, "--version"], capture_output=True, text=True, timeout=60).stdout
    return version.partition("\n")[0].strip()


@cache
def _processor() -> str:
    """What "native" means: the machine type and, on Linux, the processor's features."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return platform.machine() + next((line for line in lines if line.startswith(("flags", "Features"))), "")


@cache
def _folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "dgm-studies" / "kernels"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return Path(tempfile.mkdtemp(prefix="dgm-kernels-"))
