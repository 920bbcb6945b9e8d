"""What is told to whoever asks."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Report:
    """Lines for people; `healthy` is false when something that is configured does not work."""

    lines: list[str] = field(default_factory=list[str])
    healthy: bool = True

    def fine(self, name: str, text: str) -> None:
        """Note what works."""
        self.lines.append(f"[ok]      {name}: {text}")

    def hint(self, name: str, text: str) -> None:
        """Note what could be set up."""
        self.lines.append(f"[hint]    {name}: {text}")

    def broken(self, name: str, text: str) -> None:
        """Note what does not work."""
        self.lines.append(f"[problem] {name}: {text}")
        self.healthy = False

    def text(self) -> str:
        """All of it."""
        return "\n".join(self.lines)
