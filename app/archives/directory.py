"""What a zip says of itself, looked at before anything of it is unpacked.

It is read as strictly as the archives made here are written, with what common tools do on top (deflated entries, data
descriptors, time stamps): whatever a zip can say in two ways, or say wrong, is refused. PKWARE's APPNOTE.TXT 6.3.10 is
the format's specification; its sections are named.
"""

import re
import stat
import struct
from collections.abc import Sequence
from itertools import pairwise
from typing import IO, Final, NamedTuple
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from app.errors import AppError, bad_input

_END: Final = struct.Struct("<4s4H2LH")  # 4.3.16
_LOCAL: Final = struct.Struct("<4s5H3L2H")  # 4.3.7
_ZIP64_LOCATOR_BYTES: Final = 20
_DIRECTORY_BYTES_AN_ENTRY: Final = 512
_KNOWN_FLAGS: Final = 0x0002 | 0x0004 | 0x0008 | 0x0800  # 4.4.4: how hard it was deflated, data descriptor, UTF-8
_DESCRIPTOR: Final = 0x0008
_ENCRYPTED: Final = 0x0001 | 0x0040 | 0x2000
_ZIP64_EXTRA: Final = 0x0001  # 4.5.3
_RATIO_FROM_BYTES: Final = 100_000

_UNREADABLE: Final = (BadZipFile, OSError, ValueError, EOFError, NotImplementedError, RuntimeError, struct.error)


class Form(NamedTuple):
    """Entries that an archive may have: their whole names, and the bytes that one of them may have unpacked."""

    pattern: re.Pattern[str]
    max_bytes: int


class Caps(NamedTuple):
    """How much of an archive is taken: packed and unpacked bytes, entries, and how many times larger it may become."""

    max_bytes: int
    max_unpacked: int
    max_entries: int
    max_ratio: int


def refused(message: str) -> AppError:
    """BAD_USER_INPUT for an archive."""
    return bad_input(message, "input", "archive")


def directory_of(file: IO[bytes], forms: Sequence[Form], caps: Caps) -> tuple[ZipFile, dict[str, ZipInfo]]:
    """The zip, open on that file, and its entries by name; blocks: call it in a thread.

    Raises:
        AppError: BAD_USER_INPUT that says which entry is wrong, and why.
    """
    try:
        start, count = _directory(file, caps)
        archive = ZipFile(file)
        entries = archive.infolist()
        if len(entries) != count:
            raise refused("The archive's directory has more or fewer entries than it says.")
        for entry in entries:
            _check_form(entry, forms)
            _check_packing(entry, caps)
        _check_names(entries)
        _check_sizes(entries, caps)
        _check_places(file, entries, start)
    except _UNREADABLE as error:
        raise refused("The archive is damaged, or is no zip file: its directory can't be read.") from error
    return archive, {entry.filename: entry for entry in entries}


def _directory(file: IO[bytes], caps: Caps) -> tuple[int, int]:
    """Where it begins and how many entries it has, by the last bytes: looked at first, as reading one takes memory."""
    size = file.seek(0, 2)
    if size > caps.max_bytes:
        raise refused(f"The archive has {size / 1e6:.1f} MB; at most {caps.max_bytes / 1e6:.0f} MB are taken.")
    if size < _END.size:
        raise refused("The file is no zip file.")
    file.seek(size - _END.size)
    signature, disk, first_disk, here, count, length, start, comment = _END.unpack(file.read(_END.size))
    if signature != b"PK\5\6" or comment:
        raise refused("The file is no zip file, was cut off, or has something after its end, such as a comment.")
    if disk or first_disk or here != count or _has_zip64(file, size):
        raise refused("The archive is in several parts, or a zip64 file: neither is taken.")
    if count > caps.max_entries:
        raise refused(f"The archive has {count:,} entries; at most {caps.max_entries:,} are taken.")
    if length > count * _DIRECTORY_BYTES_AN_ENTRY or start + length + _END.size != size:
        raise refused("The archive's directory is not where, or not as long as, it says.")
    return int(start), int(count)


def _has_zip64(file: IO[bytes], size: int) -> bool:
    before = size - _END.size - _ZIP64_LOCATOR_BYTES
    if before < 0:
        return False
    file.seek(before)
    return file.read(4) == b"PK\6\7"


def _check_form(entry: ZipInfo, forms: Sequence[Form]) -> None:
    """A plain file of a known name, which may be so large."""
    name = entry.orig_filename
    form = next((one for one in forms if one.pattern.fullmatch(name)), None)
    if form is None or name != entry.filename:
        raise refused(f"{_shown(name)}: this name is none of those that such an archive has.")
    if stat.S_IFMT(entry.external_attr >> 16) not in {0, stat.S_IFREG}:
        raise refused(f"{name} is a link or another special file.")
    if entry.file_size > form.max_bytes:
        raise refused(f"{name} has {entry.file_size / 1e6:.1f} MB; at most {form.max_bytes / 1e6:.1f} MB are taken.")


def _check_packing(entry: ZipInfo, caps: Caps) -> None:
    name = entry.filename
    if entry.flag_bits & _ENCRYPTED:
        raise refused(f"{name} is encrypted.")
    if entry.flag_bits & ~_KNOWN_FLAGS or entry.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
        raise refused(f"{name} is packed in a way that is not taken: store or deflate it.")
    if _ZIP64_EXTRA in _extras(entry):
        raise refused(f"{name} says its size in zip64's way, which is not taken.")
    if entry.compress_type == ZIP_STORED and entry.file_size != entry.compress_size:
        raise refused(f"{name} has two sizes.")
    if _expands(entry.file_size, entry.compress_size, caps):
        raise refused(f"{name} becomes more than {caps.max_ratio} times larger when it is unpacked.")


def _extras(entry: ZipInfo) -> set[int]:
    """The ids of its extra fields (4.5.1)."""
    found, left = set[int](), entry.extra
    while left:
        kind, length = struct.unpack_from("<HH", left)
        found.add(kind)
        left = left[4 + length :]
    return found


def _check_names(entries: Sequence[ZipInfo]) -> None:
    seen = set[str]()
    for entry in entries:
        if entry.filename in seen:
            raise refused(f"{entry.filename} is there twice.")
        seen.add(entry.filename)


def _check_sizes(entries: Sequence[ZipInfo], caps: Caps) -> None:
    unpacked, packed = sum(one.file_size for one in entries), sum(one.compress_size for one in entries)
    if unpacked > caps.max_unpacked:
        most = f"at most {caps.max_unpacked / 1e6:.0f} MB are taken"
        raise refused(f"The archive has {unpacked / 1e6:.1f} MB unpacked; {most}.")
    if _expands(unpacked, packed, caps):
        raise refused(f"The archive becomes more than {caps.max_ratio} times larger when it is unpacked.")


def _expands(unpacked: int, packed: int, caps: Caps) -> bool:
    """Small ones may: a text of some kilobytes that repeats itself is no attack."""
    return unpacked > _RATIO_FROM_BYTES and unpacked > packed * caps.max_ratio


def _check_places(file: IO[bytes], entries: Sequence[ZipInfo], end: int) -> None:
    """Each entry says the same in both places, and none lies in another or in the directory."""
    spans = sorted((entry.header_offset, _end_of(file, entry), entry.filename) for entry in entries)
    for (_, ends, name), (begins, _, other) in pairwise([*spans, (end, end, "the directory")]):
        if ends > begins:
            raise refused(f"{name} overlaps {other}.")


def _end_of(file: IO[bytes], entry: ZipInfo) -> int:
    file.seek(entry.header_offset)
    header = _LOCAL.unpack(file.read(_LOCAL.size))
    signature, _, flags, method, _, _, _, packed, unpacked, name_length, extra_length = header
    name = file.read(name_length)
    says = (flags, method, name) == (entry.flag_bits, entry.compress_type, entry.orig_filename.encode())
    sizes = {(entry.compress_size, entry.file_size)} | ({(0, 0)} if flags & _DESCRIPTOR else set[tuple[int, int]]())
    if signature != b"PK\3\4" or not says or (packed, unpacked) not in sizes:
        raise refused(f"{entry.filename} says one thing in the directory and another in its own place.")
    return int(entry.header_offset + _LOCAL.size + name_length + extra_length + entry.compress_size)


def _shown(name: str) -> str:
    """A name that may hold anything, for a sentence."""
    return ascii(name[:80])
