"""GET /{cloud}/image/{kind}/s--signature--/transformations/v{version}/{public_id}.{format}."""

import io
import re
from dataclasses import dataclass, field
from urllib.parse import unquote

from PIL import Image
from starlette.requests import Request

from app.simulator.answer import Answer, Piece, whole
from app.simulator.call import Asked
from app.simulator.cloudinary.account import signs_delivery
from app.simulator.cloudinary.faults import error, fault
from app.simulator.cloudinary.shelf import Asset, Place, Shelf
from app.simulator.cloudinary.transformation import Transformation, is_transformation
from app.simulator.kept import Kept
from app.simulator.padding import padded
from app.simulator.pictures import HUGE_BYTES
from app.simulator.scenario import Scenario

_SIGNATURE, _VERSION = re.compile(r"s--([\w-]+)--"), re.compile(r"v\d+")
_ROOM_BYTES, _TOO_HUGE_BYTES = 64 * 1024 * 1024, 80 * 1024 * 1024
_MEDIA_TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp", "avif": "image/avif", "gif": "image/gif"}
_PAGE = b"<html><title>Bad gateway</title></html>"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryAsked(Asked):
    """A picture to be delivered; `source` is its public id with or without a format, escaped as in the address."""

    cloud: str
    kind: str
    signature: str
    transformations: tuple[str, ...]
    source: str
    takes_webp: bool

    def is_allowed(self) -> bool:
        """Whether it is public, or signed for just this."""
        if not self.signature:
            return self.kind == "upload"
        signed = "/".join((*self.transformations, self.source))
        return signs_delivery(self.signature, signed) or signs_delivery(self.signature, unquote(signed))


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Delivers what lies on the shelf, in the width and format that are asked for."""

    shelf: Shelf
    _made: Kept[tuple[str, DeliveryAsked], bytes] = field(
        default_factory=lambda: Kept[tuple[str, DeliveryAsked], bytes](_ROOM_BYTES)
    )

    def answer(self, asked: DeliveryAsked, scenario: Scenario) -> Answer:
        """The answer of a scenario; may take a while."""
        if answer := fault(scenario):
            return answer
        if scenario is Scenario.TEXT_ONLY:
            return whole(200, _PAGE, "text/html")
        if not asked.is_allowed():
            return error(401, f"Invalid signature {asked.signature}")
        name, asset, file_type = self._found(asked)
        if asset is None:
            return error(404, f"Resource not found - {name}")
        return _answer(self._made_of(asset, asked, file_type), _MEDIA_TYPES[file_type], scenario)

    def _found(self, asked: DeliveryAsked) -> tuple[str, Asset | None, str]:
        """The name, what lies there, and the format to deliver."""
        name, asset = unquote(asked.source), self._lying(asked, unquote(asked.source))
        wanted = asset.format if asset else ""
        if asset is None:
            name, _, wanted = name.rpartition(".")
            asset = self._lying(asked, name) if wanted in _MEDIA_TYPES else None
        wants_best = asked.takes_webp and Transformation.of(asked.transformations).best_format
        return name, asset, "webp" if wants_best else wanted

    def _lying(self, asked: DeliveryAsked, name: str) -> Asset | None:
        return self.shelf.delivered(Place(asked.cloud, asked.kind, name))

    def _made_of(self, asset: Asset, asked: DeliveryAsked, format: str) -> bytes:
        wanted = Transformation.of(asked.transformations)
        if format == asset.format and wanted.leaves(asset.width, asset.height):
            return asset.data
        key = (asset.etag, asked)
        made = self._made.get(key)
        if made is None:
            with Image.open(io.BytesIO(asset.data)) as picture:
                made = wanted.apply(picture, format)
            self._made.put(key, made, len(made))
        return made


async def read_delivery(request: Request) -> DeliveryAsked:
    """Take the address apart."""
    path: str = request.scope["raw_path"].decode()
    cloud, kind = request.path_params["cloud"], request.path_params["kind"]
    _, _, rest = path.partition(f"/image/{kind}/")
    parts = rest.split("/")
    signature = _SIGNATURE.fullmatch(parts[0])
    parts = parts[1:] if signature else parts
    transformations: list[str] = []
    while len(parts) > 1 and is_transformation(unquote(parts[0])):
        transformations.append(unquote(parts.pop(0)))
    source = "/".join(parts[1:] if len(parts) > 1 and _VERSION.fullmatch(parts[0]) else parts)
    return DeliveryAsked(
        key="",
        subject=unquote(source),
        cloud=cloud,
        kind=kind,
        signature=signature[1] if signature else "",
        transformations=tuple(transformations),
        source=source,
        takes_webp="image/webp" in request.headers.get("accept", ""),
    )


def _answer(data: bytes, media_type: str, scenario: Scenario) -> Answer:
    match scenario:
        case Scenario.EMPTY_CANDIDATES:
            piece = Piece(b"")
        case Scenario.TRUNCATED:
            piece = Piece(data[: len(data) // 2])
        case Scenario.HUGE:
            piece = Piece(padded(data, media_type, HUGE_BYTES))
        case Scenario.TOO_HUGE:
            piece = Piece(data, _TOO_HUGE_BYTES)
        case _:
            piece = Piece(data)
    return whole(200, piece, media_type).headed(cache_control="public, max-age=2592000")
