"""Frames that are made once, and written without waiting: they are the frames that every socket was sent before."""

import pytest
from websockets.frames import Frame, Opcode

from app.api.sharing.frames import Result, text_frame

_SIZES = (0, 1, 125, 126, 127, 0xFFFF, 0x10000, 200_000)


@pytest.mark.parametrize("size", _SIZES)
def test_frame_is_the_librarys_own(size: int) -> None:
    data = b"x" * size
    expected = Frame(Opcode.TEXT, data).serialize(mask=False)
    assert text_frame(data) == expected
    assert text_frame(data[: size // 2], data[size // 2 :]) == expected


def test_result_is_framed_once_for_the_same_start_and_anew_for_others() -> None:
    result = Result('{"data":"é"}')
    first = result.frame(b'{"id":"1","payload":')
    assert first == text_frame('{"id":"1","payload":{"data":"é"}}'.encode())
    assert result.frame(b'{"id":"1","payload":') is first
    assert result.frame(b'{"id":"22","payload":') == text_frame('{"id":"22","payload":{"data":"é"}}'.encode())
    assert result.frame(b'{"id":"1","payload":') == first
