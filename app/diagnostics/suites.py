"""Which tests there are, in the order in which they are made."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple


class Suite(StrEnum):
    """A number of tests that are made together."""

    PROVIDERS = "PROVIDERS"
    """Each model that is set up is asked once, as it is."""
    FULL_FLOW = "FULL_FLOW"
    """What people do, the way they do it."""


class Probe(NamedTuple):
    """One test: its name for programs, its title for people, and what it shows."""

    name: str
    title: str
    about: str


class Names:
    """The names of the tests; each is the name of its step, too."""

    TEXT: Final = "text-completion"
    IMAGE: Final = "image-generation"
    VISION: Final = "vision"
    MODIFICATION: Final = "image-modification"
    CONFIGURATION: Final = "configuration"
    SIMPLE: Final = "simple-generation"
    REFERENCE: Final = "generation-with-reference"
    ANALYSIS: Final = "analysis"
    WHOLE_FLOW: Final = "whole-flow"


PROBES: Final[Mapping[Suite, tuple[Probe, ...]]] = MappingProxyType(
    {
        Suite.PROVIDERS: (
            Probe(Names.TEXT, "Text completion", "The model that writes answers a question."),
            Probe(Names.IMAGE, "Image generation", "The model that makes pictures draws one of words."),
            Probe(Names.VISION, "Vision", "The model that sees says what is on a picture."),
            Probe(Names.MODIFICATION, "Image modification", "A picture is described, then edited by what was said."),
        ),
        Suite.FULL_FLOW: (
            Probe(Names.CONFIGURATION, "Configuration", "What is set up, and whether database and queue answer."),
            Probe(Names.SIMPLE, "Simple generation", "A picture is made of words and stored."),
            Probe(Names.REFERENCE, "Generation with a reference", "A picture is made in the manner of another one."),
            Probe(Names.ANALYSIS, "Analysis", "A stored picture is read back and described."),
            Probe(
                Names.WHOLE_FLOW,
                "Whole flow",
                "A project, a context, a frame, a message with a reference: answered, read back, and deleted for ever.",
            ),
        ),
    }
)
