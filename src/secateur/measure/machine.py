"""Where figures are made: the processor, what it can do, and the versions of what ran on it."""

from __future__ import annotations

import ctypes
import importlib.metadata
import platform
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import psutil

from secateur.records import Machine

# The instructions that decide how fast a convolution runs, by the names of Linux.
DECIDING = (
    "avx2",
    "fma",
    "avx512f",
    "avx512_vnni",
    "avx_vnni",
    "avx512_bf16",
    "avx512_fp16",
    "amx_tile",
    "amx_int8",
    "amx_bf16",
    "neon",
    "asimd",
    "asimdhp",
    "asimddp",
    "i8mm",
    "bf16",
    "sve",
    "sve2",
    "sme",
)

# Names of macOS (sysctl hw.optional.arm, machdep.cpu) for the same.
MACOS = {
    "AdvSIMD": "asimd",
    "FEAT_FP16": "asimdhp",
    "FEAT_DotProd": "asimddp",
    "FEAT_I8MM": "i8mm",
    "FEAT_BF16": "bf16",
    "FEAT_SME": "sme",
    "AVX2": "avx2",
    "FMA": "fma",
    "AVX512F": "avx512f",
    "AVX512VNNI": "avx512_vnni",
}

OTHERS = {"openvino": "openvino", "litert": "ai-edge-litert", "executorch": "executorch"}  # run-time → package

# Numbers of IsProcessorFeaturePresent (winnt.h).
WINDOWS = {19: "asimd", 40: "avx2", 41: "avx512f", 43: "asimddp"}

# "CPU part" of implementer 0x41; source: arch/arm64/include/asm/cputype.h of Linux.
ARM_PARTS = {
    "0xd03": "Cortex-A53",
    "0xd05": "Cortex-A55",
    "0xd07": "Cortex-A57",
    "0xd08": "Cortex-A72",
    "0xd0b": "Cortex-A76",
    "0xd0c": "Neoverse-N1",
    "0xd40": "Neoverse-V1",
    "0xd49": "Neoverse-N2",
    "0xd4f": "Neoverse-V2",
}


def machine(threads: int | None = None, runtimes: Iterable[str] = ()) -> Machine:
    """This machine; `threads` is how many were used, all physical cores where it is None. `runtimes`: those that ran,
    whose versions are named, too.

    Instructions that the system does not tell of are missing from `flags`, never guessed.
    """
    cpu, flags = _processor()
    logical = psutil.cpu_count() or 1
    cores = psutil.cpu_count(logical=False) or logical  # unknown on many ARM boards
    return Machine(
        cpu=cpu or platform.processor() or platform.machine() or "unknown",
        flags=flags,
        cores=cores,
        threads=threads if threads is not None else cores,
        memory_bytes=int(psutil.virtual_memory().total),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        versions=_versions(runtimes),
    )


def read_cpuinfo(text: str) -> tuple[str, tuple[str, ...]]:
    """Name of the processor and its deciding flags from the text of Linux's /proc/cpuinfo.

    The first processor is read: where big and little cores differ, the flags of the first hold for all.
    An ARM board is named by board and core, since its cores have no name of their own there.
    """
    facts: dict[str, str] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon and value.strip():
            facts.setdefault(key.strip(), value.strip())
    flags = deciding((facts.get("flags") or facts.get("Features") or "").split())
    part = facts.get("CPU part", "")
    core = ARM_PARTS.get(part, f"core {part}") if part and facts.get("CPU implementer") == "0x41" else ""
    # "model name" of 32-bit ARM names the instruction set only: the board says more.
    board = facts.get("Model") or (facts.get("Hardware") if core else None)
    name = board or facts.get("model name") or ("ARM" if core else "")
    return (f"{name} ({core})" if name and core else name or core), flags


def read_sysctl(text: str) -> tuple[str, tuple[str, ...]]:
    """Name and deciding flags from the lines of macOS's `sysctl machdep.cpu hw.optional`."""
    name, found = "", []
    for line in text.splitlines():
        key, _, value = line.partition(":")
        last = key.rsplit(".", 1)[-1].strip()
        if last == "brand_string":
            name = value.strip()
        elif last in ("features", "leaf7_features"):
            found += value.split()
        elif value.strip() == "1":
            found.append(last)
    return name, deciding(MACOS.get(f, f) for f in found)


def processor_family(flags: Iterable[str]) -> str:
    """What an INT8 file is made for: how a processor sums products of eight bits decides what is exact on it."""
    have = set(flags)
    if have & {"avx512_vnni", "avx_vnni", "amx_int8"}:
        return "x86 with VNNI"
    if have & {"neon", "asimd"}:
        return "ARM"
    return "x86 without VNNI"


def deciding(flags: Iterable[str]) -> tuple[str, ...]:
    """Those of `flags` that are in DECIDING, in its order."""
    have = set(flags)
    return tuple(f for f in DECIDING if f in have)


def _processor() -> tuple[str, tuple[str, ...]]:
    system = platform.system()
    try:
        if system == "Linux":
            return read_cpuinfo(Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace"))
        if system == "Darwin":
            command = ["sysctl", "machdep.cpu", "hw.optional"]
            done = subprocess.run(
                command, capture_output=True, encoding="utf-8", errors="replace", timeout=10, check=False
            )
            return read_sysctl(done.stdout)
        if system == "Windows":
            present = ctypes.WinDLL("kernel32").IsProcessorFeaturePresent  # type: ignore[attr-defined]
            return platform.processor(), deciding(name for n, name in WINDOWS.items() if present(n))
    except (OSError, subprocess.SubprocessError):
        pass
    return "", ()


def _versions(runtimes: Iterable[str] = ()) -> dict[str, str]:
    """torch is named only where it is already loaded: what did not run did not make the figure."""
    versions = {"python": platform.python_version()}
    ran = tuple(OTHERS[name] for name in runtimes if name in OTHERS)
    for package in ("secateur", "numpy", "onnxruntime", "torch", *ran):
        if package == "torch" and "torch" not in sys.modules:
            continue
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions
