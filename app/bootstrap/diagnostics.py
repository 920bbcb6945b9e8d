"""The tests of the diagnostics, over what this process runs on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr
from pymongo.errors import PyMongoError

from app.bootstrap import costs
from app.bootstrap.models import Models
from app.bootstrap.stores import PictureStores, secret
from app.costs.budgets import Budgets
from app.database.servers import DatabaseServer
from app.diagnostics.flow import FlowTests
from app.diagnostics.jobs import DiagnosticsJob
from app.diagnostics.ports import Configuration, WholeFlow
from app.diagnostics.providers import ProviderTests
from app.diagnostics.secrets import Cleaner
from app.generations.model import Generation
from app.generations.ports import WorkQueue
from app.making.pictures import PictureMaker
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Examination:
    """Looks at what the settings mean and at what answers."""

    settings: Settings
    server: DatabaseServer
    queue: WorkQueue
    stores: PictureStores
    models: Models
    budgets: Budgets

    async def look(self) -> Configuration:
        """Everything that a run is made with: real, local or mock; nothing is called that costs anything."""
        problems = [
            f"{name} holds a placeholder, not a real value: put the real one there, or remove it."
            for name in self.settings.placeholders()
        ]
        answers = {"database": await _database_answers(), "queue": await self.queue.alive()}
        problems += [f"The {name} does not answer." for name, alive in answers.items() if not alive]
        if self.budgets.are_set and (names := costs.unpriced(self.budgets, self.models.billed)):
            problems.append(f"PRICES has no price for {', '.join(names)}: with a budget they are not called.")
        return Configuration(self._facts(answers), tuple(problems))

    def _facts(self, answers: Mapping[str, bool]) -> Mapping[str, Any]:
        settings = self.settings
        return {
            "environment": settings.app_env,
            "simulated": settings.simulate,
            "models": {
                purpose: {"provider": one.name, "model": one.model, "source": one.source}
                for purpose, one in self.models.purposes.items()
            },
            "isSet": {
                name: settings.real(name.lower()) is not None
                for name in ("OPENAI_API_KEY", "GOOGLE_API_KEY", "CLOUDINARY_URL")
            },
            "stores": {"chosen": self.stores.all.chosen.name, "all": list(self.stores.all.names)},
            "database": {"is": self.server.description, "answers": answers["database"]},
            "queue": {"is": self.queue.description, "answers": answers["queue"]},
            "costs": costs.described(self.budgets, self.models.billed),
            "limits": {
                "providerTimeoutS": settings.provider_timeout_s,
                "workerSlots": settings.worker_slots,
                "runningPerUser": settings.user_running_limit,
            },
        }


def diagnostics_job(examination: Examination, maker: PictureMaker, whole: WholeFlow) -> DiagnosticsJob:
    """The tests of both suites."""
    models = examination.models
    tests = {
        **ProviderTests(models.text, models.image, models.vision, models.edit).all,
        **FlowTests(maker, models.image, models.vision, examination.look, whole).all,
    }
    return DiagnosticsJob(maker.pictures, tests, Cleaner(secrets_of(examination.settings)), whole.clear)


def secrets_of(settings: Settings) -> tuple[str, ...]:
    """Every secret that this process knows, longest first; of those that are URLs, their passwords."""
    given = [value for name in type(settings).model_fields if isinstance(value := getattr(settings, name), SecretStr)]
    found = {one for value in given for one in _secret_in(value.get_secret_value())}
    found |= {secret(settings, name).decode() for name in ("jwt_secret", "media_url_key")}
    return tuple(sorted(found, key=len, reverse=True))


def _secret_in(value: str) -> set[str]:
    if "://" not in value:
        return {value}
    try:
        password = urlsplit(value).password
    except ValueError:  # a list of hosts is no URL to Python: what stands before `@` is found by its looks
        return set()
    return {password, unquote(password)} if password else set()


async def _database_answers() -> bool:
    try:
        await Generation.rows().database.command("ping")
    except PyMongoError:
        return False
    return True
