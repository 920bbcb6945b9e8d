"""In a process of its own: what is settled is settled for good."""

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parent.parent.parent
_SETTLED = """
import gc, sys
from app.bootstrap.settling import settle
settle()
assert gc.get_freeze_count() > 1_000
assert gc.get_threshold()[0] == 50_000
assert sys.getswitchinterval() < 0.002
"""
_GIVEN_BACK = """
from pathlib import Path
from app.bootstrap.settling import settle

def mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

settle()
for _ in range(2):  # glibc by itself keeps what is as large as what it has seen freed before
    pieces = [bytearray(b"x" * 12_000_000) for _ in range(4)]
    whole = mb()
    del pieces[:3]
    left = mb()
    del pieces
assert left < whole - 30
"""


def _run(program: str) -> None:
    subprocess.run([sys.executable, "-c", program], cwd=_ROOT, check=True)  # noqa: S603 - our own interpreter


def test_start_up_is_frozen_and_the_loop_gets_its_turn_soon() -> None:
    _run(_SETTLED)


def test_memory_of_pictures_goes_back_to_the_system() -> None:
    _run(_GIVEN_BACK)
