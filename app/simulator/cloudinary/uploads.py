"""POST /v1_1/{cloud}/image/upload and /image/destroy, GET /v1_1/{cloud}/ping."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from app.simulator.answer import Answer, json
from app.simulator.call import Asked
from app.simulator.cloudinary.account import delivery_signature, is_signed, signature_of
from app.simulator.cloudinary.faults import bad_request, error, fault
from app.simulator.cloudinary.requests import FormAsked
from app.simulator.cloudinary.shelf import Asset, Place, Shelf
from app.simulator.scenario import Scenario

_STALE_S = 3600
_PUBLIC_ID_CHARACTERS = 20
_ODD: dict[str, Any] = {"public_id": 3, "version": "none", "bytes": [], "result": {}, "status": 3}


@dataclass(frozen=True, slots=True)
class Uploads:
    """Puts pictures on the shelf and takes them away."""

    shelf: Shelf

    def upload(self, asked: FormAsked, scenario: Scenario) -> Answer:
        """The answer of a scenario; only one that is fine leaves a picture."""
        return fault(scenario) or _odd(scenario) or _refusal(asked) or self._put(asked)

    def destroy(self, asked: FormAsked, scenario: Scenario) -> Answer:
        """The answer of a scenario; only one that is fine takes a picture away."""
        return fault(scenario) or _odd(scenario) or _refusal(asked) or self._remove(asked)

    def _put(self, asked: FormAsked) -> Answer:
        try:
            asset = Asset.of(asked.file)
        except ValueError as problem:
            return bad_request(str(problem))
        place = _place(asked, asked.references[0][:_PUBLIC_ID_CHARACTERS])
        existing = self.shelf.get(place)
        if existing is not None and asked.fields.get("overwrite") in {"false", "0", "False"}:
            return json(200, {**_shown(asked, place, existing), "existing": True})
        self.shelf.put(place, asset)
        return json(200, _shown(asked, place, asset))

    def _remove(self, asked: FormAsked) -> Answer:
        invalidate = asked.fields.get("invalidate", "") in {"true", "1", "True"}
        removed = self.shelf.remove(_place(asked, ""), invalidate=invalidate)
        return json(200, {"result": "ok" if removed else "not found"})


def answer_ping(_: Asked, scenario: Scenario) -> Answer:
    """The answer of a scenario."""
    return fault(scenario) or _odd(scenario) or json(200, {"status": "ok"})


def _odd(scenario: Scenario) -> Answer | None:
    """Valid JSON that is no answer."""
    bodies = {Scenario.WRONG_SHAPE: _ODD, Scenario.EMPTY_CANDIDATES: dict[str, Any]()}
    return json(200, bodies[scenario]) if scenario in bodies else None


def _refusal(asked: FormAsked) -> Answer | None:
    """Why the request may not be done, null when it may."""
    if not asked.key:
        return error(401, "Missing required parameter - api_key")
    if not is_signed(asked.fields):
        return error(401, f"Invalid Signature {asked.fields.get('signature', '')}.")
    stamp = asked.fields.get("timestamp", "")
    if not stamp.isdigit() or abs(time.time() - int(stamp)) > _STALE_S:
        return bad_request("Stale request - reported time is more than 1 hour ago")
    return None


def _place(asked: FormAsked, name: str) -> Place:
    return Place(asked.cloud, asked.fields.get("type") or "upload", asked.subject or name)


def _shown(asked: FormAsked, place: Place, asset: Asset) -> dict[str, Any]:
    identity = {"public_id": place.public_id, "version": str(asset.version)}
    source = quote(f"{place.public_id}.{asset.format}", safe="/:")
    signed = "" if place.kind == "upload" else f"s--{delivery_signature(source)}--/"
    url = f"{asked.base_url}/{place.cloud}/image/{place.kind}/{signed}v{asset.version}/{source}"
    return {
        **identity,
        "asset_id": asset.etag,
        "version": asset.version,
        "signature": signature_of(identity),
        "width": asset.width,
        "height": asset.height,
        "format": asset.format,
        "resource_type": "image",
        "created_at": datetime.fromtimestamp(asset.version, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "tags": [tag for tag in asked.fields.get("tags", "").split(",") if tag],
        "bytes": len(asset.data),
        "type": place.kind,
        "etag": asset.etag,
        "placeholder": False,
        "url": url,
        "secure_url": url,
        "api_key": asked.key,
    }
