import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.accounts.secrets import SecretFileError, load_or_create_secret


def test_secret_is_made_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "data" / "token.secret"
    first = load_or_create_secret(path)
    assert len(first) == 43
    assert load_or_create_secret(path) == first
    assert load_or_create_secret(tmp_path / "data" / "media.secret") != first


def test_secret_is_for_its_owner_only(tmp_path: Path) -> None:
    load_or_create_secret(tmp_path / "token.secret")
    assert stat.S_IMODE((tmp_path / "token.secret").stat().st_mode) == 0o600


def test_all_who_start_at_once_get_the_same_secret_and_leave_no_drafts(tmp_path: Path) -> None:
    for number in range(10):
        path = tmp_path / str(number) / "token.secret"
        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(load_or_create_secret, [path] * 8))) == 1
        assert list(path.parent.iterdir()) == [path]


def test_secret_that_everybody_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "token.secret"
    load_or_create_secret(path)
    path.chmod(0o644)
    with pytest.raises(SecretFileError, match="chmod 600"):
        load_or_create_secret(path)


def test_secret_that_its_group_may_read_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "token.secret"
    secret = load_or_create_secret(path)
    path.chmod(0o660)
    assert load_or_create_secret(path) == secret


@pytest.mark.parametrize("content", [b"", b"short", b"\n"])
def test_file_without_a_secret_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "token.secret"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(SecretFileError, match="holds no secret"):
        load_or_create_secret(path)
