"""How a further wish joins the prompts of the versions before it."""


def combined(*prompts: str) -> str:
    """The prompts, oldest first, joined by a full stop and a space; none of them brings a full stop of its own."""
    return ". ".join(text for prompt in prompts if (text := prompt.strip().rstrip(".").rstrip()))
