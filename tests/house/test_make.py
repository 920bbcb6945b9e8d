"""The commands of the Makefile, as somebody with a bare machine meets them. Nothing is installed here."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SCRIPTS = ROOT / "scripts"
INACTIVE_SHIM = 'echo "pyenv: python: command not found" >&2; exit 127'
OLD_PYTHON = "exit 3"  # as the question ends in a Python 3.12
PYTHON = f'exec {sys.executable} "$@"'
PYTHON_PATH = os.path.realpath(sys.executable)
TOOLS = ("sh", "echo", "dirname", "cmp", "make", "getconf", "expr", "mktemp", "rm", "cat", "id")


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A home and a `bin` with a shell and little more."""
    (tmp_path / "bin").mkdir()
    for name in TOOLS:
        if found := shutil.which(name):
            (tmp_path / "bin" / name).symlink_to(found)
    return tmp_path


def program(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def run(
    command: Path | str, *arguments: str | Path, bare: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    env = {"PATH": str(bare / "bin"), "HOME": str(bare)} | environment
    words = [str(command), *map(str, arguments)]
    return subprocess.run(words, env=env, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 # our own scripts


def find(bare: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return run(SCRIPTS / "find-python", bare=bare, **environment)


def test_python_on_path_is_found_by_its_real_path(bare: Path) -> None:
    program(bare / "bin/python3.13", PYTHON)
    assert find(bare).stdout == f"{PYTHON_PATH}\n"


def test_plain_python3_is_found(bare: Path) -> None:
    program(bare / "bin/python3", PYTHON)
    assert find(bare).stdout == f"{PYTHON_PATH}\n"


def test_inactive_shim_is_passed_over_for_pyenvs_own_folder(bare: Path) -> None:
    for name in ("python3.14", "python3.13", "python3"):
        program(bare / "bin" / name, INACTIVE_SHIM)
    program(bare / ".pyenv/versions/3.13.5/bin/python3.13", PYTHON)
    assert find(bare).stdout == f"{PYTHON_PATH}\n"


def test_pyenv_root_and_uvs_folder_are_looked_into(bare: Path) -> None:
    program(bare / "elsewhere/versions/3.14.1/bin/python3.14", PYTHON)
    assert find(bare).returncode == 1
    assert find(bare, PYENV_ROOT=str(bare / "elsewhere")).returncode == 0
    program(bare / ".local/share/uv/python/cpython-3.14.2-linux-x86_64-gnu/bin/python3.14", PYTHON)
    assert find(bare).returncode == 0


def test_old_python_is_passed_over(bare: Path) -> None:
    program(bare / "bin/python3", OLD_PYTHON)
    assert find(bare).returncode == 1


def test_no_python_is_one_sentence_that_says_what_to_install(bare: Path) -> None:
    found = find(bare)
    assert found.returncode == 1
    assert found.stdout == ""
    assert found.stderr.startswith("No Python 3.13 or newer was found that runs: install Python 3.14 or 3.13 ")
    assert found.stderr.count("\n") == 1


def test_incomplete_python_is_named_with_what_it_lacks(bare: Path) -> None:
    program(bare / "bin/python3.13", "echo ensurepip; exit 4")
    found = find(bare)
    assert found.returncode == 1
    assert "python3.13 lacks its standard module ensurepip" in found.stderr
    assert found.stderr.count("\n") == 1


def test_python_variable_is_the_only_one_tried(bare: Path) -> None:
    program(bare / "bin/python3.13", PYTHON)
    old = program(bare / "old", OLD_PYTHON)
    found = find(bare, PYTHON=str(old))
    assert found.returncode == 1
    assert f"PYTHON={old} is no complete Python 3.13 or newer" in found.stderr
    assert find(bare, PYTHON=sys.executable).stdout == f"{PYTHON_PATH}\n"


def test_set_up_without_python_says_so_and_leaves_nothing(bare: Path) -> None:
    copied = bare / "copy"
    shutil.copytree(SCRIPTS, copied / "scripts")
    result = run(copied / "scripts/set-up", "run", bare=bare)
    assert result.returncode == 1
    assert result.stderr.startswith("No Python 3.13")
    assert [path.name for path in copied.iterdir()] == ["scripts"]


def test_set_up_of_a_current_tree_only_compares(bare: Path) -> None:
    copied = bare / "copy"
    shutil.copytree(SCRIPTS, copied / "scripts")
    program(copied / ".venv/bin/python", "exit 1")  # anything that is run fails
    for folder in (copied / "requirements", copied / ".venv/regen"):
        folder.mkdir(parents=True)
        (folder / "dev.lock").write_text("a==1\n", encoding="utf-8")
    for profile in ("run", "test"):  # what the tests need holds all that the server needs
        assert run(copied / "scripts/set-up", profile, bare=bare).returncode == 0
    clients = copied / "tests/clients"
    (clients / "node_modules/.regen").mkdir(parents=True)
    for file in ("package.json", "package-lock.json", "node_modules/.regen/package-lock.json"):
        (clients / file).write_text("{}", encoding="utf-8")
    assert run(copied / "scripts/set-up", "test", bare=bare).returncode == 0
    assert run(copied / "scripts/set-up", "bench", bare=bare).returncode == 1, "the peers are missing"
    (copied / "requirements/peers.lock").write_text("a==1\n", encoding="utf-8")
    peers = copied / "bench/peers"
    for folder in (peers / ".venv", peers / "node_modules/.regen"):
        folder.mkdir(parents=True)
    for file in (".venv/peers.lock", "package-lock.json", "node_modules/.regen/package-lock.json"):
        (peers / file).write_text("a==1\n", encoding="utf-8")
    assert run(copied / "scripts/set-up", "bench", bare=bare).returncode == 0
    (clients / "package-lock.json").write_text('{"a": 1}', encoding="utf-8")
    assert run(copied / "scripts/set-up", "run", bare=bare).returncode == 0, "the server needs none of them"
    assert run(copied / "scripts/set-up", "test", bare=bare).returncode == 1
    (copied / ".venv/regen/unfinished").touch()
    assert run(copied / "scripts/set-up", "run", bare=bare).returncode == 1


def test_missing_debian_packages_are_named_to_who_is_not_root(bare: Path) -> None:
    (bare / "bin/id").unlink()
    program(bare / "bin/id", "echo 1000")
    program(bare / "bin/apt-get", "echo installed; exit 1")
    result = run(SCRIPTS / "apt-packages", bare=bare)
    assert result.returncode == 1
    assert result.stderr.endswith("sudo apt-get install --no-install-recommends chromium redis-server faketime\n")
    for name in ("chromium", "redis-server", "faketime"):
        program(bare / "bin" / name, "exit 0")
    assert run(SCRIPTS / "apt-packages", bare=bare).returncode == 0


def test_missing_debian_packages_are_installed_by_root(bare: Path) -> None:
    (bare / "bin/id").unlink()
    program(bare / "bin/id", "echo 0")
    program(bare / "bin/redis-server", "exit 0")
    program(bare / "bin/faketime", "exit 0")
    program(bare / "bin/apt-get", f'echo "$@" >>{bare}/calls')
    assert run(SCRIPTS / "apt-packages", bare=bare).returncode == 0
    calls = (bare / "calls").read_text(encoding="utf-8").splitlines()
    assert calls == ["update", "install --yes --no-install-recommends chromium"]


def test_make_run_sets_up_then_becomes_the_server(bare: Path) -> None:
    result = run("make", "-n", "run", "PORT=8080", bare=bare)
    assert result.stdout == "scripts/set-up run && exec .venv/bin/regen serve\n"


def test_make_alone_lists_the_commands(bare: Path) -> None:
    result = run("make", bare=bare)
    for target in ("run", "test", "check", "bench", "schema", "lock"):
        assert f"make {target} " in result.stdout


def hygiene(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPTS / "check-hygiene"), str(root)]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 # our own script


@pytest.mark.parametrize(
    ("name", "text", "finding"),
    [
        ("requirements/run.lock", "a==1 \\\n    --hash=sha256:00\nb==2\n", "run.lock:3: this version has no hash"),
        ("requirements/run.lock", "--index-url https://localhost/\n", "run.lock:1: names a host"),
        ("requirements/run.lock", "a>=1\n", "run.lock:1: neither a pinned version nor a hash"),
        ("web/package-lock.json", '{"packages": {"": {}, "a": {"integrity": "x", "resolved": "y"}}}', "`resolved`"),
        ("web/package-lock.json", '{"packages": {"": {}, "a": {"version": "1"}}}', "a has no hash"),
        ("notes.md", "see /" + "root/thing\n", "notes.md:1: names a path of one machine"),
        ("notes.md", "see file:///" + "home/someone/thing\n", "notes.md:1: names a path of one machine"),
        ("notes.md", "one\nfrom pypi" + ".org\n", "notes.md:2: names a package registry"),
        ("uv.lock", "version = 1\n", "uv.lock:1: names hosts"),
    ],
)
def test_hygiene_finds(tmp_path: Path, name: str, text: str, finding: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    result = hygiene(tmp_path)
    assert result.returncode == 1
    assert finding in result.stdout


def test_hygiene_passes_what_is_fine(tmp_path: Path) -> None:
    (tmp_path / "requirements").mkdir()
    lock = "a==1 ; sys_platform == 'win32' \\\n    --hash=sha256:00 \\\n    --hash=sha256:01\n    # via b\n"
    (tmp_path / "requirements/run.lock").write_text(lock, encoding="utf-8")
    (tmp_path / "notes.md").write_text("the page at https://example.com/home/index and ./work/x\n", encoding="utf-8")
    (tmp_path / "photo.png").write_bytes(b"\x89PNG\xff\xfe")
    result = hygiene(tmp_path)
    assert (result.returncode, result.stdout) == (0, "")


def test_this_repository_is_clean() -> None:
    result = hygiene(ROOT)
    assert (result.returncode, result.stdout) == (0, "")
