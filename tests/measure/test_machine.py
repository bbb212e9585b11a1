"""The machine's name and instructions, from what each system says of itself."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys

import pytest

from secateur.measure import machine as module
from secateur.measure.machine import machine, read_cpuinfo, read_sysctl

DESKTOP = """\
processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 143
model name\t: Intel(R) Xeon(R) Platinum 8480+
flags\t\t: fpu sse2 avx fma avx2 avx512f avx512_bf16 avx512_fp16 avx512_vnni avx_vnni amx_bf16 amx_tile amx_int8
bugs\t\t: spectre_v1

processor\t: 1
model name\t: another
flags\t\t: fpu
"""

RASPBERRY_PI_4 = """\
processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd08
CPU revision\t: 3

processor\t: 3
Features\t: fp asimd evtstrm crc32 cpuid

Hardware\t: BCM2835
Revision\t: c03111
Serial\t\t: 10000000abcdef01
Model\t\t: Raspberry Pi 4 Model B Rev 1.1
"""

RASPBERRY_PI_5 = """\
processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm aes crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp
CPU implementer\t: 0x41
CPU part\t: 0xd0b

Revision\t: d04170
Model\t\t: Raspberry Pi 5 Model B Rev 1.0
"""

RASPBERRY_PI_3_32_BIT = """\
processor\t: 0
model name\t: ARMv7 Processor rev 4 (v7l)
Features\t: half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt vfpd32 lpae evtstrm crc32
CPU implementer\t: 0x41
CPU part\t: 0xd03

Hardware\t: BCM2835
Model\t\t: Raspberry Pi 3 Model B Plus Rev 1.3
"""

CLOUD_ARM = """\
processor\t: 0
Features\t: fp asimd fphp asimdhp asimddp sve i8mm bf16
CPU implementer\t: 0x41
CPU part\t: 0xd40
"""

UNKNOWN_ARM = "Features\t: fp asimd\nCPU implementer\t: 0x41\nCPU part\t: 0xfff\n"


@pytest.mark.parametrize(
    ("text", "cpu", "flags"),
    [
        (
            DESKTOP,
            "Intel(R) Xeon(R) Platinum 8480+",
            "avx2 fma avx512f avx512_vnni avx_vnni avx512_bf16 avx512_fp16 amx_tile amx_int8 amx_bf16",
        ),
        (RASPBERRY_PI_4, "Raspberry Pi 4 Model B Rev 1.1 (Cortex-A72)", "asimd"),
        (RASPBERRY_PI_5, "Raspberry Pi 5 Model B Rev 1.0 (Cortex-A76)", "asimd asimdhp asimddp"),
        (RASPBERRY_PI_3_32_BIT, "Raspberry Pi 3 Model B Plus Rev 1.3 (Cortex-A53)", "neon"),
        (CLOUD_ARM, "ARM (Neoverse-V1)", "asimd asimdhp asimddp i8mm bf16 sve"),
        (UNKNOWN_ARM, "ARM (core 0xfff)", "asimd"),
        ("", "", ""),
        ("no colon here\nflags\t:\n", "", ""),
    ],
)
def test_linux(text, cpu, flags):
    assert read_cpuinfo(text) == (cpu, tuple(flags.split()))


def test_macos():
    apple = (
        "machdep.cpu.brand_string: Apple M2\nhw.optional.AdvSIMD: 1\nhw.optional.arm.FEAT_DotProd: 1\n"
        "hw.optional.arm.FEAT_BF16: 1\nhw.optional.arm.FEAT_SME: 0\n"
    )
    assert read_sysctl(apple) == ("Apple M2", ("asimd", "asimddp", "bf16"))
    intel = (
        "machdep.cpu.brand_string: Intel(R) Core(TM) i7\nmachdep.cpu.features: FPU FMA SSE4.2\n"
        "machdep.cpu.leaf7_features: BMI1 AVX2\n"
    )
    assert read_sysctl(intel) == ("Intel(R) Core(TM) i7", ("avx2", "fma"))


def test_macos_asks_sysctl(monkeypatch):
    def run(command, **_):
        return subprocess.CompletedProcess(command, 0, "machdep.cpu.brand_string: Apple M2\n", "")

    monkeypatch.setattr(module.platform, "system", lambda: "Darwin")
    monkeypatch.setattr(module.subprocess, "run", run)
    assert machine().cpu == "Apple M2"


def test_windows_asks_the_kernel(monkeypatch):
    class Kernel:
        @staticmethod
        def IsProcessorFeaturePresent(number):
            return number == 40

    monkeypatch.setattr(module.platform, "system", lambda: "Windows")
    monkeypatch.setattr(module.platform, "processor", lambda: "Intel64 Family 6")
    monkeypatch.setattr(module.ctypes, "WinDLL", lambda name: Kernel, raising=False)
    m = machine()
    assert (m.cpu, m.flags) == ("Intel64 Family 6", ("avx2",))


def test_a_silent_system_is_named_by_its_architecture(monkeypatch):
    monkeypatch.setattr(module.platform, "system", lambda: "Plan 9")
    monkeypatch.setattr(module.platform, "processor", lambda: "")
    monkeypatch.setattr(module.platform, "machine", lambda: "riscv64")
    monkeypatch.setattr(module.psutil, "cpu_count", lambda logical=True: 4 if logical else None)
    m = machine()
    assert (m.cpu, m.flags, m.cores, m.threads) == ("riscv64", (), 4, 4)


def test_this_machine():
    m = machine(threads=1)
    assert m.cpu and m.cores >= 1 and m.threads == 1 and m.device == "cpu"
    assert m.memory_bytes > 100_000_000
    assert m.versions["python"] == ".".join(map(str, sys.version_info[:3]))
    for package in ("numpy", "onnxruntime"):
        assert m.versions[package] == importlib.metadata.version(package)


def test_torch_is_named_only_where_it_ran(monkeypatch):
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    assert "torch" not in machine().versions
    monkeypatch.setitem(sys.modules, "torch", sys)
    monkeypatch.setattr(module.importlib.metadata, "version", lambda name: f"{name} 1")
    assert machine().versions["torch"] == "torch 1"


def test_measuring_loads_no_torch():
    code = (
        "import sys, secateur.measure.machine as m, secateur.measure.accuracy, secateur.measure.compare;"
        "m.machine(); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
