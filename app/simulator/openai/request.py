"""What all requests to OpenAI have in common."""

from starlette.requests import Request

from app.simulator.answer import RefusedError
from app.simulator.openai.faults import no_key


def key_of(request: Request) -> str:
    """The API key.

    Raises:
        RefusedError: there is none.
    """
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise RefusedError(no_key())
    return key
