"""A tree that does not fit together is refused before anything is kept, and it is said where."""

import io
import tracemalloc
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import pytest

from app.archives.directory import Caps
from app.errors import AppError, ErrorCode
from app.ornaments.importing import caps_of, look_into
from tests.ornaments.sent import Change, changed, sent, without
from tests.sampled import sampled

_CAPS: Caps = caps_of(10_000_000)


def _first(name: str, value: Any) -> Change:
    """One field of the root."""
    return lambda lineage: lineage["versions"][0].__setitem__(name, value)


def _last(name: str, value: Any) -> Change:
    """One field of the last version."""
    return lambda lineage: lineage["versions"][-1].__setitem__(name, value)


def _top(name: str, value: Any) -> Change:
    return lambda lineage: lineage.__setitem__(name, value)


def _circle(lineage: Any) -> None:
    child, last = lineage["versions"][1:]
    child["parentId"], last["parentId"] = last["id"], child["id"]


def _two_roots(lineage: Any) -> None:
    lineage["versions"][-1] |= {"parentId": None, "depth": 0}


def _same_id(lineage: Any) -> None:
    lineage["versions"][1]["id"] = lineage["versions"][0]["id"]


def _too_many(lineage: Any) -> None:
    root = lineage["versions"][0]
    more = [root | {"id": f"{number:024x}"} for number in range(1_001)]
    lineage["versions"] += more


def _long(lineage: Any) -> None:
    """One version with a few prompts more than a model takes; those above it are deleted."""
    parent = lineage["versions"][0]["id"]
    for depth in range(1, 8):
        lineage["deleted"].append({"id": f"{depth:024x}", "parentId": parent, "depth": depth})
        parent = f"{depth:024x}"
    prompts = ["x" * 2_000] * 9
    deep = {"id": "f" * 24, "parentId": parent, "depth": 8, "prompts": prompts, "combinedPrompt": ". ".join(prompts)}
    lineage["versions"].append(lineage["versions"][0] | deep)


def _vote_of_none(lineage: Any) -> None:
    first, second, _ = (version["id"] for version in lineage["versions"])
    lineage["votes"] = [{"winnerId": first, "loserId": second, "votedAt": "2026-11-20T10:00:00Z"}]


def _another_file(lineage: Any) -> None:
    lineage["pictures"][0]["file"] = "pictures/../../secrets/jwt_secret"


def _picture_twice(lineage: Any) -> None:
    lineage["pictures"].append(lineage["pictures"][0])


def _picture_of_nobody(lineage: Any) -> None:
    lineage["versions"][-1]["picture"] = lineage["versions"][0]["picture"]


def _nothing_shown(lineage: Any) -> None:
    for version in lineage["versions"]:
        version["picture"] = None


def _made_by(**given: Any) -> Change:
    """How the root was made."""
    told: dict[str, Any] = {
        "id": "a" * 24,
        "task": "ADJUST",
        "provider": "acme",
        "model": "acme-1",
        "parameters": {},
        "template": None,
    }
    lists: dict[str, Any] = {"pictures": [], "attempts": [], "calls": []}
    return _first("generation", {**told, **lists, "requestedAt": "2026-11-20T10:00:00Z", "endedAt": None, **given})


def _template(revision: int, **more: Any) -> Change:
    return _made_by(template={"templateId": "b" * 24, "revision": revision, **more})


def _size(name: str) -> Change:
    return lambda lineage: lineage["pictures"][0].__setitem__(name, 10**30)


_WRONG: list[tuple[str, Change, str]] = [
    ("another format", _top("format", "regen.dreams"), "format"),
    ("a later version", _top("version", 2), "later"),
    ("an unknown field", _top("ownerId", "6b0a6d54e4bcc4b32fd32353"), "ownerId"),
    ("no versions", _top("versions", []), "versions"),
    ("too many versions", _too_many, "1,004; at most 1,000"),
    ("no id", _first("id", "../../etc/passwd"), r"versions\.0\.id"),
    ("the same id twice", _same_id, "twice"),
    ("a root that is not there", _top("rootId", "f" * 24), "only the root"),
    ("two roots", _two_roots, "only the root"),
    ("a circle", _circle, "depth"),
    ("another depth", _last("depth", 1), "depth"),
    ("a parent that is not there", _last("parentId", "f" * 24), "parent"),
    ("a prompt that is too long", _first("prompts", ["x" * 2_001]), r"prompts\.0"),
    ("other prompts than the parent's", _last("prompts", ["b", "c"]), "parent's"),
    ("too many prompts", _first("prompts", ["a", "b", "c"]), "more prompts"),
    ("another combined prompt", _first("combinedPrompt", "x"), "combinedPrompt"),
    ("a colour that is none", _first("backgroundColor", "the colour of rain"), "colour"),
    ("measurements that are too long", _first("measurements", "x" * 501), "measurements"),
    ("a time that no database keeps", _first("createdAt", "0001-01-01T00:00:00+14:00"), "createdAt"),
    ("an instruction that no model takes", _long, "16,000 characters"),
    ("a revision that no database keeps", _template(10**30), r"template\.revision"),
    ("a template with more to it", _template(1, text="a"), r"template\.text"),
    ("a width that no database keeps", _size("width"), r"pictures\.0\.width"),
    ("a height that no database keeps", _size("height"), r"pictures\.0\.height"),
    ("a size that no database keeps", _size("byteSize"), r"pictures\.0\.byteSize"),
    ("a depth that no database keeps", _last("depth", 10**30), r"versions\.2\.depth"),
    ("a kind that is none", _first("kind", "SCRIPT"), "kind"),
    ("a name that hides something", _first("name", "a\tb"), "name"),
    ("a name that is too long", _first("name", "x" * 101), "name"),
    ("a tag in upper case", _first("tags", ["Gold"]), "tags"),
    ("a tag of spaces", _first("tags", ["  "]), "tag"),
    ("a promoted one that is not there", _top("promotedId", "f" * 24), "promotedId"),
    ("a vote between no siblings", _vote_of_none, r"votes\.0"),
    ("a picture elsewhere", _another_file, "not in the file"),
    ("a picture twice", _picture_twice, "twice"),
    ("a picture that nobody shows", _picture_of_nobody, "of no version"),
    ("a picture that is missing", _last("picture", "a" * 64), "missing"),
    ("no picture at all", _nothing_shown, "of no version|has a picture"),
]


@pytest.mark.parametrize(("change", "why"), [one[1:] for one in _WRONG], ids=[one[0] for one in _WRONG])
def test_tree_that_does_not_fit_together_is_refused(change: Change, why: str) -> None:
    with pytest.raises(AppError, match=why) as refused:
        look_into(io.BytesIO(changed(sent(), change)), _CAPS)
    assert (refused.value.code, refused.value.path) == (ErrorCode.BAD_USER_INPUT, ("input", "archive"))


def test_tree_that_fits_together_is_taken() -> None:
    assert len(look_into(io.BytesIO(sent()), _CAPS).versions) == 3


def test_template_is_told() -> None:
    lineage = look_into(io.BytesIO(changed(sent(), _template(3))), _CAPS)
    made_by = lineage.versions[0].generation
    assert made_by is not None
    assert made_by.template is not None
    assert made_by.template.revision == 3


def test_picture_that_is_not_named_is_refused() -> None:
    name = f"pictures/{'a' * 64}.png"
    with pytest.raises(AppError, match=f"{name} is not named"):
        look_into(io.BytesIO(changed(sent(), files={name: b"a"})), _CAPS)


def test_picture_without_its_file_is_refused() -> None:
    archive = sent()
    name = ZipFile(io.BytesIO(archive)).namelist()[0]
    with pytest.raises(AppError, match=f"no {name}"):
        look_into(io.BytesIO(without(archive, name)), _CAPS)


def _texts(text: bytes, method: int = ZIP_STORED) -> io.BytesIO:
    """An archive with that `lineage.json` and nothing else."""
    out = io.BytesIO()
    with ZipFile(out, "w", method) as zipped:
        zipped.writestr("lineage.json", text)
    return out


def _listed(name: str, one: bytes, times: int) -> bytes:
    return b'{"%s":[%s]}' % (name.encode(), b",".join([one] * times))


def _keys(times: int) -> bytes:
    return b"{%s}" % b",".join(b'"%d":0' % number for number in range(times))


_MANY: list[tuple[str, bytes, str]] = [
    ("versions", _listed("versions", b"{}", 100_000), "100,000; at most 1,000"),
    ("pictures", _listed("pictures", b"{}", 100_000), "100,000; at most 3,000"),
    ("prompts of a version", b'{"versions":[%s]}' % _listed("prompts", b"0", 100_000), "lineage"),
    ("attempts", b'{"versions":[{"generation":%s}]}' % _listed("attempts", b"{}", 100_000), "lineage"),
    ("keys", _keys(100_000), "50 keys"),
    ("keys inside", b'{"versions":[%s]}' % _keys(100_000), "50 keys"),
    ("pairs", _listed("versions", _keys(49), 1_000), "lineage"),
    ("values", _listed("versions", b"{}", 600_000), "more values"),
    ("quotes", b'"' * 2_100_000, "more values"),
    ("escapes", b'"' + b"\\n" * 1_000_000, "lineage"),
]
_A_FEW = {"versions", "keys inside", "values", "quotes"}


@pytest.mark.parametrize(
    ("text", "why"),
    sampled([one[1:] for one in _MANY], *[one[1:] for one in _MANY if one[0] in _A_FEW]),
    ids=[one[0] for one in _MANY],
)
def test_what_is_wrong_many_times_takes_no_memory_each_time(text: bytes, why: str) -> None:
    sent_in = _texts(text)
    tracemalloc.start()
    try:
        with pytest.raises(AppError, match=why) as refused:
            look_into(sent_in, _CAPS)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert refused.value.code is ErrorCode.BAD_USER_INPUT
    assert peak < 8 * len(text) + 20_000_000


def test_text_that_becomes_a_thousand_times_larger_is_refused() -> None:
    with pytest.raises(AppError, match="200 times larger"):
        look_into(_texts(_listed("versions", b"{}", 40_000), ZIP_DEFLATED), _CAPS)


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[" * 100_000, b'"\xff"', b'{"format": "\\ud800"}', b"null"],
    ids=["empty", "cut off", "deep", "no text", "half a pair", "null"],
)
def test_lineage_that_is_no_json_of_its_kind_is_refused(text: bytes) -> None:
    with pytest.raises(AppError, match=r"lineage\.json") as refused:
        look_into(_texts(text, ZIP_DEFLATED), _CAPS)
    assert refused.value.code is ErrorCode.BAD_USER_INPUT
