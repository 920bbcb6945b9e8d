"""What is promised to be the same again is the same, as long as nothing that decides it says otherwise."""

import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

_LIBRARIES = "Pillow 13.0.0 (libjpeg_turbo 3.2.0, webp 1.6.0, freetype2 2.14.3), OpenCV 5.0.0, NumPy 2.5.5"
_MADE = {
    "local, on white": "dba8469038a1f8a11e9423f2d37a716583b2cd49f0360a50a00e53b7656269e1",
    "local, before a picture": "04a9af7d8ff300e026c3a9640439dc8fe67578a0f16916c353ef32a2ecb52080",
    "local, adjusted": "e599e75227d531a91baee321c1c191f6131399dcde494f39b39f642dd632d267",
    "local, composed": "acd3ac533064887b7a733dcf93b1ab69e0923f828457cb77695e81ff98b5e46e",
    "mock, on white": "bdb1d8f4d01a62f26394e5b301bcc52202bb66ba7bff4708d6183ed5108f32a7",
    "mock, before a picture": "83c19384800e04a165def8922d61e49cf1c81f09787d2709ce80e835f4f2c0dc",
    "mock, adjusted": "ed6503cd435b41ab3467a3d42c451428809bda5450cfd81204e529b8d275a8ec",
    "mock, composed": "acd3ac533064887b7a733dcf93b1ab69e0923f828457cb77695e81ff98b5e46e",
    "mock, created": "2fa471745de6e2b17dbd09ce3996a97d826b46ffb3c6b279c56ff37c55ea8d96",
}
_FEATURES = re.compile(r" \(SSE [^)]*\)")
_PLAIN = {"OPENCV_CPU_DISABLE": "SSE4.1,SSE4.2,AVX,FP16,AVX2,AVX512-SKX"}
"""Whatever the processor can do: with AVX2 a cut-out's edges are rounded otherwise."""


@pytest.mark.skipif(platform.machine() not in {"x86_64", "AMD64"}, reason="another kind of processor rounds otherwise")
def test_results_are_those_of_the_models_number() -> None:
    command = [sys.executable, "-m", "tests.providers.making"]
    root = Path(__file__).parents[2]
    said = subprocess.run(command, cwd=root, env={**os.environ, **_PLAIN}, capture_output=True, text=True, check=True)  # noqa: S603 - our own module, no shell
    found = json.loads(said.stdout)
    assert _FEATURES.sub("", found["libraries"]) == _LIBRARIES, (
        "Other libraries than the pinned ones: look at the results, and pin them anew here."
    )
    differ = [name for name, digest in _MADE.items() if found["made"].get(name) != digest]
    assert found["made"] == _MADE, f"Raise the number in `model` of who makes {differ}, and pin the results anew here."
