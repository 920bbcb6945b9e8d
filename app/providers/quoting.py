"""A provider's own words, fit to be shown: without secrets, and short."""

import re

_QUOTE_CHARACTERS = 300
_SECRET = re.compile(
    r"\b(?:AIza|AQ\.)[\w-]{20,}"  # Google's keys
    r"|\b(?:sk|sess)-[\w*-]{8,}"  # OpenAI's, also as OpenAI itself stars them
    r"|(?<=api_key:)[^\s'\"]+|(?<=key=)[^\s&'\"]+|(?<=Bearer )[^\s'\",]+"
)
_ACCOUNT = re.compile(r"\b(?:org-|proj_)\w{8,}")
_URL_QUERY = re.compile(r"(https?://[^\s?]+)\?\S*")


def quote(who: str, words: str, key: str) -> str:
    """A sentence that begins with a space (` Google says: “…”`), without `key` and all like it; empty without words."""
    clean = words.replace(key, "[key]") if key else words
    clean = _ACCOUNT.sub("[account]", _SECRET.sub("[key]", _URL_QUERY.sub(r"\1", clean)))
    clean = " ".join(clean.split())
    if len(clean) > _QUOTE_CHARACTERS:
        clean = clean[: _QUOTE_CHARACTERS - 1] + "…"
    return f" {who}: “{clean}”" if clean else ""
