"""What a hostile zip may say: each is built here, and none is read."""

import io
import re
import stat
import struct
import zipfile
from collections.abc import Callable, Iterable
from typing import Final

import pytest

from app.archives.directory import Caps, Form
from app.archives.reading import OpenedArchive, open_archive
from app.errors import AppError, ErrorCode

_FORMS: Final = (Form(re.compile(r"a\.txt"), 1_000), Form(re.compile(r"pictures/[0-9]\.bin"), 3_000_000))
_CAPS: Final = Caps(max_bytes=5_000_000, max_unpacked=6_000_000, max_entries=4, max_ratio=100)
_END, _CENTRAL, _LOCAL = b"PK\5\6", b"PK\1\2", b"PK\3\4"


def _zip(*entries: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return buffer.getvalue()


def _open(data: bytes) -> OpenedArchive:
    return open_archive(io.BytesIO(data), _FORMS, _CAPS)


def _plain() -> bytes:
    return _zip(("a.txt", b"hello"), ("pictures/1.bin", b"picture"))


def _patched(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def _in_both(data: bytes, offset_local: int, offset_central: int, new: bytes) -> bytes:
    """The first entry's field, changed in both places."""
    data = _patched(data, data.index(_LOCAL) + offset_local, new)
    return _patched(data, data.index(_CENTRAL) + offset_central, new)


def test_archive_of_any_common_tool_is_read() -> None:
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        archive = _open(_zip(("a.txt", b"hello"), ("pictures/1.bin", b"picture" * 99), method=method))
        assert archive.names == {"a.txt", "pictures/1.bin"}
        assert archive.read("pictures/1.bin") == b"picture" * 99


def test_archive_that_was_streamed_is_read() -> None:
    class Stream(io.RawIOBase):  # can't be gone back in, so that sizes follow the entries
        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:  # type: ignore[override]
            self.data += data
            return len(data)

    stream = Stream()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", b"hello")
    assert _open(bytes(stream.data)).read("a.txt") == b"hello"


def _named(name: str) -> Callable[[], bytes]:
    return lambda: _zip((name, b"hello"))


def _special(kind: int) -> Callable[[], bytes]:
    def made() -> bytes:
        info = zipfile.ZipInfo("a.txt")
        info.create_system, info.external_attr = 3, (kind | 0o777) << 16
        return _zip((info, b"/etc/passwd"))

    return made


def _twice() -> bytes:
    with pytest.warns(UserWarning, match="Duplicate"):
        return _zip(("a.txt", b"one"), ("a.txt", b"two"))


def _null_in_name() -> bytes:
    data = _zip(("a.txt.exe", b"hello"))
    return data.replace(b"a.txt.exe", b"a.txt\0exe")


def _overlapping() -> bytes:
    """Two entries of which the second lies in the first, as in a zip bomb without recursion."""
    inner = _zip(("pictures/1.bin", b"x" * 50))
    inner = inner[: inner.index(_CENTRAL)]
    data = _zip(("a.txt", inner), ("pictures/1.bin", b"x" * 50))
    second = data.rindex(_CENTRAL)
    return _patched(data, second + 42, struct.pack("<I", data.index(inner)))


def _in_the_directory() -> bytes:
    return _in_both(_plain(), 18, 20, struct.pack("<II", 900, 900))


def _another_local_name() -> bytes:
    data = _plain()
    return _patched(data, data.index(b"a.txt"), b"b.txt")


def _another_local_size() -> bytes:
    data = _plain()
    return _patched(data, data.index(_LOCAL) + 18, struct.pack("<II", 4, 4))


def _zip64_locator() -> bytes:
    data = _plain()
    at = data.index(_END)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, 0, 1)
    return data[:at] + locator + data[at:]


def _zip64_extra() -> bytes:
    info = zipfile.ZipInfo("a.txt")
    info.extra = struct.pack("<HHQQ", 1, 16, 5, 5)
    return _zip((info, b"hello"))


def _large_directory() -> bytes:
    info = zipfile.ZipInfo("a.txt")
    info.extra = struct.pack("<HH", 0x7777, 2_000) + b"\0" * 2_000
    return _zip((info, b"hello"))


def _counts(number: int) -> Callable[[], bytes]:
    def made() -> bytes:
        data = _plain()
        return _patched(data, data.index(_END) + 8, struct.pack("<HH", number, number))

    return made


def _damaged() -> bytes:
    data = _plain()
    return _patched(data, data.index(_CENTRAL), b"PK\1\3")


_HOSTILE: Final[Iterable[tuple[str, Callable[[], bytes], str]]] = (
    ("nothing", lambda: b"", "no zip file"),
    ("no zip", lambda: b"hello, I am a text that is long enough", "no zip file"),
    ("cut off", lambda: _plain()[:-1], "cut off"),
    ("a comment", lambda: _patched(_plain(), len(_plain()) - 2, b"\5\0") + b"hello", "cut off"),
    ("something before", lambda: b"#!/bin/sh\n" + _plain(), "not where"),
    ("too large", lambda: _zip(("pictures/1.bin", b"\0" * 2_900_000), ("pictures/2.bin", b"\0" * 2_900_000)), "5.8 MB"),
    ("too many", lambda: _zip(*((f"pictures/{number}.bin", b"") for number in range(5))), "5 entries"),
    ("absolute", _named("/a.txt"), "name"),
    ("parent", _named("../a.txt"), "name"),
    ("inner parent", _named("pictures/../a.txt"), "name"),
    ("backslash", _named("pictures\\1.bin"), "name"),
    ("drive", _named("C:a.txt"), "name"),
    ("folder", _named("pictures/"), "name"),
    ("unknown", _named("b.txt"), "name"),
    ("upper case", _named("A.TXT"), "name"),
    ("look-alike", _named("pictures/\u0661.bin"), "name"),
    ("null byte", _null_in_name, "name"),
    ("trailing newline", _named("a.txt\n"), "name"),
    ("link", _special(stat.S_IFLNK), "link"),
    ("device", _special(stat.S_IFCHR), "link"),
    ("twice", _twice, "twice"),
    ("entry too large", lambda: _zip(("a.txt", b"x" * 1_001)), "a.txt has 0.0 MB"),
    ("encrypted", lambda: _in_both(_plain(), 6, 8, b"\1\0"), "encrypted"),
    ("unknown flag", lambda: _in_both(_plain(), 6, 8, b"\x20\0"), "packed"),
    ("unknown method", lambda: _in_both(_plain(), 8, 10, b"\x0c\0"), "packed"),
    ("ratio", lambda: _zip(("pictures/1.bin", b"\0" * 2_000_000), method=zipfile.ZIP_DEFLATED), "100 times"),
    ("two sizes", lambda: _in_both(_plain(), 22, 24, struct.pack("<I", 900)), "two sizes"),
    ("overlap", _overlapping, "overlaps"),
    ("into the directory", _in_the_directory, "overlaps"),
    ("another name in its place", _another_local_name, "says one thing"),
    ("another size in its place", _another_local_size, "says one thing"),
    ("zip64", _zip64_locator, "zip64"),
    ("zip64 in an entry", _zip64_extra, "zip64"),
    ("a large directory", _large_directory, "not as long"),
    ("more than it says", _counts(1), "more or fewer"),
    ("fewer than it says", _counts(3), "more or fewer"),
    ("damaged", _damaged, "damaged"),
)


@pytest.mark.parametrize(("made", "why"), [one[1:] for one in _HOSTILE], ids=[one[0] for one in _HOSTILE])
def test_hostile_archive_is_refused_and_says_why(made: Callable[[], bytes], why: str) -> None:
    data = made()
    with pytest.raises(AppError, match=why) as refused:
        _open(data)
    assert (refused.value.code, refused.value.path) == (ErrorCode.BAD_USER_INPUT, ("input", "archive"))
    assert not refused.value.retryable


def test_unpacked_bytes_are_capped_whatever_the_packed_ones_are() -> None:
    noise = bytes(range(256)) * 60
    entries = [(f"pictures/{number}.bin", noise * 190) for number in range(3)]
    data = _zip(*entries, method=zipfile.ZIP_DEFLATED)
    with pytest.raises(AppError, match=r"MB unpacked|times larger"):
        _open(data)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_damage_inside_is_found_when_it_is_read(method: int) -> None:
    data = _zip(("a.txt", bytes(range(200))), method=method)
    archive = _open(_patched(data, 60, b"\xff\xff\xff"))
    with pytest.raises(AppError, match=r"a\.txt is damaged") as refused:
        archive.read("a.txt")
    assert refused.value.code is ErrorCode.BAD_USER_INPUT


def test_deflated_entry_that_goes_on_past_its_size_is_cut_off() -> None:
    data = _zip(("a.txt", b"x" * 900), method=zipfile.ZIP_DEFLATED)
    with pytest.raises(AppError, match="damaged"):
        _open(_in_both(data, 22, 24, struct.pack("<I", 10))).read("a.txt")


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(AppError, match=r"no pictures/9\.bin"):
        _open(_plain()).read("pictures/9.bin")
