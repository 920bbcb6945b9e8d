import contextlib
import io
import struct
import time
import tracemalloc
import zlib
from pathlib import Path

import pillow_heif
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageFile, PngImagePlugin

from app.errors import AppError, ErrorCode
from app.pictures.intake import MAX_BYTES, AcceptedPicture, examine

PHOTOS = Path(__file__).parents[1] / "photos"
CAR = (PHOTOS / "car-1.jpg").read_bytes()
HALVES = Image.new("RGB", (64, 32), (250, 20, 20))
HALVES.paste((20, 20, 250), (32, 0, 64, 32))  # red on the left, blue on the right


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)  # pyright: ignore[reportUnknownMemberType] -- Pillow's options are untyped
    return out.getvalue()


def heic(image: Image.Image) -> bytes:
    out = io.BytesIO()
    pillow_heif.from_pillow(image).save(out, quality=90)  # pyright: ignore[reportUnknownMemberType] -- it leaves it untyped
    return out.getvalue()


def opened(picture: AcceptedPicture) -> Image.Image:
    image = Image.open(io.BytesIO(picture.data))
    image.load()
    return image


def rgb_at(picture: AcceptedPicture, place: tuple[int, int]) -> tuple[int, ...]:
    pixel = opened(picture).convert("RGB").getpixel(place)
    assert isinstance(pixel, tuple)
    return tuple(int(level) for level in pixel)


def is_near(colour: tuple[int, ...], wanted: tuple[int, ...], by: int = 12) -> bool:
    return all(abs(a - b) <= by for a, b in zip(colour, wanted, strict=True))


def refusal(data: bytes) -> str:
    with pytest.raises(AppError) as refused:
        examine(data)
    assert refused.value.code is ErrorCode.BAD_USER_INPUT
    assert not refused.value.retryable
    return refused.value.message


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (encoded(HALVES, "JPEG"), "image/jpeg"),
        (encoded(HALVES, "JPEG", progressive=True), "image/jpeg"),
        (encoded(HALVES, "PNG"), "image/png"),
        (encoded(HALVES, "WEBP"), "image/webp"),
        (encoded(HALVES, "AVIF"), "image/jpeg"),
        (heic(HALVES), "image/jpeg"),
    ],
    ids=["jpeg", "progressive", "png", "webp", "avif", "heic"],
)
def test_each_type_becomes_one_that_browsers_show(data: bytes, media_type: str) -> None:
    picture = examine(data)
    assert (picture.media_type, picture.width, picture.height) == (media_type, 64, 32)
    assert Image.MIME[opened(picture).format or ""] == media_type
    assert is_near(rgb_at(picture, (8, 16)), (250, 20, 20))
    assert is_near(rgb_at(picture, (56, 16)), (20, 20, 250))


@pytest.mark.parametrize("kind", ["AVIF", "HEIC"])
def test_transparency_of_modern_types_survives_as_webp(kind: str) -> None:
    clear = Image.new("RGBA", (64, 32), (10, 200, 10, 0))
    clear.paste((10, 200, 10, 255), (32, 0, 64, 32))
    picture = examine(heic(clear) if kind == "HEIC" else encoded(clear, kind))
    assert picture.media_type == "image/webp"
    assert opened(picture).getchannel("A").getextrema() == (0, 255)


def test_type_is_read_from_the_bytes() -> None:
    assert examine((PHOTOS / "plants-1.jpg").read_bytes()).media_type == "image/png"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_picture_is_turned_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = examine(encoded(HALVES, "JPEG", exif=exif, quality=95))
    turned = orientation > 4
    assert (picture.width, picture.height) == ((32, 64) if turned else (64, 32))
    corner = rgb_at(picture, (4, 4))
    first_is_red = orientation in {1, 4, 5, 6}
    assert is_near(corner, (250, 20, 20) if first_is_red else (20, 20, 250), by=20)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_nothing_about_camera_place_and_person_is_kept(kind: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    exif.get_ifd(0x8825)[2] = (52.0, 30.0, 12.5)
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "SecretPerson")
    extra: dict[str, object] = {"comment": b"SecretPerson"} if kind == "JPEG" else {"pnginfo": text}
    data = encoded(HALVES, kind, exif=exif, xmp=b"<x>SecretPlace</x>", **extra)
    assert b"Secret" in data
    picture = examine(data)
    assert b"Secret" not in picture.data
    assert not opened(picture).getexif()
    assert {"exif", "xmp", "comment", "Comment", "icc_profile"}.isdisjoint(opened(picture).info)


def test_colours_of_an_icc_profile_become_srgb() -> None:
    profile = _linear_profile()
    grey = Image.new("RGB", (32, 32), (55, 55, 55))
    picture = examine(encoded(grey, "PNG", icc_profile=profile))
    assert is_near(rgb_at(picture, (5, 5)), (128, 128, 128), by=6)  # linear 0.216 is sRGB 0.5


def _linear_profile() -> bytes:
    """sRGB's primaries with gamma 1: the curves of Pillow's sRGB profile replaced (ICC.1:2010, section 10.5)."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] -- Pillow leaves it untyped
    (count,) = struct.unpack_from(">I", profile, 128)
    for index in range(count):
        name, at, _ = struct.unpack_from(">4sII", profile, 132 + 12 * index)
        if name in {b"rTRC", b"gTRC", b"bTRC"}:
            struct.pack_into(">4sII", profile, at, b"curv", 0, 0)  # an empty curve is the identity
            struct.pack_into(">I", profile, 132 + 12 * index + 8, 12)
        if name == b"desc":
            struct.pack_into(">4s", profile, at, b"none")
    return bytes(profile)


def test_broken_icc_profile_is_ignored() -> None:
    assert is_near(rgb_at(examine(encoded(HALVES, "PNG", icc_profile=b"nonsense" * 40)), (8, 16)), (250, 20, 20))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "CMYK"])
def test_every_kind_of_pixel_keeps_its_look(mode: str) -> None:
    grey = Image.new("L", (32, 32), 200)
    if mode == "I;16":
        image = Image.frombytes("I;16", (32, 32), struct.pack("<H", 200 * 257) * 1024)
    else:
        grey = Image.new("L", (32, 32), 255) if mode == "1" else grey
        image = grey.convert("P", palette=Image.Palette.ADAPTIVE) if mode == "P" else grey.convert("RGB").convert(mode)
    picture = examine(encoded(image, "JPEG" if mode == "CMYK" else "PNG"))
    assert is_near(rgb_at(picture, (16, 16)), (255,) * 3 if mode == "1" else (200,) * 3, by=3)


def test_transparent_palette_keeps_its_transparency() -> None:
    image = Image.new("P", (16, 16), 0)
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.paste(1, (8, 0, 16, 16))
    shown = opened(examine(encoded(image, "PNG", transparency=0)))
    assert shown.getpixel((2, 2)) == (255, 0, 0, 0)
    assert shown.getpixel((12, 2)) == (0, 255, 0, 255)


def test_same_bytes_give_the_same_result() -> None:
    assert examine(CAR) == examine(CAR)


def test_accepted_picture_is_accepted_again() -> None:
    assert examine(examine(CAR).data).width == 480


def test_phone_photo_with_a_second_frame_is_its_first_frame() -> None:
    data = encoded(HALVES, "MPO", save_all=True, append_images=[Image.new("RGB", (64, 32))])
    picture = examine(data)
    assert picture.media_type == "image/jpeg"
    assert is_near(rgb_at(picture, (8, 16)), (250, 20, 20))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF"])
def test_animation_is_refused_with_what_to_do(kind: str) -> None:
    frames = [Image.new("RGB", (64, 32), colour) for colour in ("red", "green", "blue")]
    message = refusal(encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100))
    assert "animated" in message
    assert "Save the frame you want" in message


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"Dear jeweller,\nplease find attached", "text"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"  <SVG width='1'/>", "SVG"),
        (encoded(HALVES, "GIF"), "GIF"),
        (encoded(HALVES, "BMP"), "BMP"),
        (encoded(HALVES, "TIFF"), "TIFF"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "video"),
        (b"\0\0\0\x18ftyphevc\0\0\0\0hevcmif1", "animated"),
        (b"\0\1\2\3\4\5\6\7", "no picture of a known type"),
    ],
)
def test_what_is_no_picture_is_refused_by_its_name(data: bytes, said: str) -> None:
    message = refusal(data)
    assert said in message
    assert "JPEG" in message


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIC"])
def test_truncated_picture_is_refused_with_what_to_do(kind: str) -> None:
    photo = Image.open(io.BytesIO(CAR))
    data = heic(photo) if kind == "HEIC" else encoded(photo, kind)
    message = refusal(data[: len(data) // 2])
    assert kind in message
    assert "Upload it again" in message


def test_too_many_bytes_are_refused_before_anything_is_read() -> None:
    message = refusal(b"\xff\xd8\xff" + bytes(MAX_BYTES))
    assert "20 MB" in message
    assert "make it smaller" in message


def declared_png(width: int, height: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    body = zlib.compress(bytes((width // 8 + 1) * 16))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(20_000, 20_000), (7100, 7100), (16_000, 3200), (40_000, 10)])
def test_declared_size_is_refused_before_decoding(size: tuple[int, int]) -> None:
    data = declared_png(*size)
    tracemalloc.start()
    started = time.thread_time()
    message = refusal(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "at most 50 megapixels" in message
    assert time.thread_time() - started < 0.5
    assert peak < 5_000_000


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF"])
def test_huge_picture_of_other_types_is_refused_too(kind: str) -> None:
    data = bytearray(encoded(HALVES, kind))
    if kind == "JPEG":
        at = data.index(b"\xff\xc0") + 5
        struct.pack_into(">HH", data, at, 60_000, 60_000)
    elif kind == "WEBP":
        extended = b"VP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + b"\xfe\x3f\0" * 2  # 16,383 x 16,383
        data[12:12] = extended
    else:
        struct.pack_into(">II", data, data.index(b"ispe") + 8, 15_000, 15_000)
    message = refusal(bytes(data))
    assert "at most 50 megapixels" in message


def test_jpeg_with_endless_scans_is_refused() -> None:
    assert "save it anew" in refusal(CAR + b"\xff\xda" * 1000)


def test_one_and_a_half_megapixels_take_under_two_seconds() -> None:
    data = (PHOTOS / "plants-1.jpg").read_bytes()
    started = time.thread_time()
    examine(data)
    assert time.thread_time() - started < 2  # 0.13 s measured


def _survives(data: bytes) -> None:
    """Any other exception fails the test."""
    with contextlib.suppress(AppError):
        assert examine(data).width > 0


HEADS = [
    b"",
    b"\xff\xd8\xff\xe0",
    b"\x89PNG\r\n\x1a\n",
    b"RIFF\x20\0\0\0WEBPVP8 ",
    b"\0\0\0\x1cftypavif\0\0\0\0avifmif1",
]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(HEADS), st.binary(max_size=300))
def test_random_bytes_are_never_more_than_refused(head: bytes, rest: bytes) -> None:
    _survives(head + rest)


SMALL = [encoded(HALVES, kind) for kind in ("JPEG", "PNG", "WEBP", "AVIF")] + [heic(HALVES)]


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(SMALL), st.lists(st.tuples(st.integers(0, 4000), st.binary(min_size=1, max_size=4)), max_size=6))
def test_mutated_picture_is_accepted_or_refused(data: bytes, changes: list[tuple[int, bytes]]) -> None:
    mutated = bytearray(data)
    for at, patch in changes:
        place = at % len(mutated)
        mutated[place : place + len(patch)] = patch
    _survives(bytes(mutated))


def test_pillow_is_left_as_it_was() -> None:
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False
