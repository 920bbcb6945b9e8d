"""The running stand-in, as those who use it see it."""

from dataclasses import dataclass

from app.simulator.cloudinary.account import API_SECRET
from app.simulator.desk import Desk
from app.simulator.scenario import Scenario


@dataclass(eq=False, kw_only=True)
class Simulator(Desk):
    """A desk and the address of the server that asks it; `url` is without a slash at the end."""

    url: str

    @property
    def openai_url(self) -> str:
        """OPENAI_BASE_URL."""
        return f"{self.url}/v1"

    @property
    def gemini_url(self) -> str:
        """GOOGLE_GEMINI_BASE_URL."""
        return self.url

    def cloudinary_url(self, scenario: Scenario = Scenario.FINE, cloud: str = "simulated") -> str:
        """CLOUDINARY_URL; the scenario is of the calls to the API, since deliveries carry no key."""
        return f"cloudinary://sim-{scenario}:{API_SECRET}@{cloud}"

    @property
    def settings(self) -> dict[str, str]:
        """The variables that make a server use its models, every call fine."""
        return self.settings_of(Scenario.FINE)

    def settings_of(self, scenario: Scenario) -> dict[str, str]:
        """The same with keys that ask for a scenario."""
        return {
            "OPENAI_API_KEY": f"sim-{scenario}",
            "OPENAI_BASE_URL": self.openai_url,
            "GOOGLE_API_KEY": f"sim-{scenario}",
            "GOOGLE_GEMINI_BASE_URL": self.gemini_url,
        }

    def store_settings(self, scenario: Scenario = Scenario.FINE) -> dict[str, str]:
        """The variables that make a server keep its pictures in it, which is as long as it runs."""
        return {
            "CLOUDINARY_URL": self.cloudinary_url(scenario),
            "CLOUDINARY_UPLOAD_PREFIX": self.url,
            "CLOUDINARY_DELIVERY_URL": self.url,
        }
