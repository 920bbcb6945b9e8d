"""How far the making of pictures has come, of one generation's whole work."""

from dataclasses import dataclass, field

from app.generations.work import Work
from app.providers.ports.model import Stage


@dataclass(slots=True)
class Progress:
    """Tells of calls to models, one or several side by side, which are the work from `begin` to `end` percent."""

    work: Work
    calls: int = 1
    begin: int = 10
    end: int = 90
    _percents: dict[str, int] = field(default_factory=dict[str, int])

    async def stage(self, name: str, stage: Stage) -> None:
        """The call of that name has come to a stage."""
        self._percents[name] = max(stage.percent, self._percents.get(name, 0))
        words = stage.name if self.calls == 1 else f"making {self.calls} pictures"
        await self.work.stage(words, self._percent())

    async def storing(self, name: str) -> None:
        """The call of that name is done, and its picture is being kept."""
        self._percents[name] = 100
        if self.calls == 1:
            await self.work.stage("storing", self.end)
        else:
            await self.work.stage(f"making {self.calls} pictures", self._percent())

    def _percent(self) -> int:
        share = sum(self._percents.values()) / (100 * self.calls)
        return self.begin + round(share * (self.end - self.begin))
