"""Who interprets dreams, and who draws them."""

from app.bootstrap.models import Models, guard_of
from app.dreams.choosing import DreamModels
from app.dreams.lexicon.model import LexiconModel
from app.providers.guarded import GuardedTextModel
from app.providers.ports.text import TextModel
from app.settings import Settings


def dream_models_of(models: Models, settings: Settings) -> DreamModels:
    """Those that the settings mean: in the place of placeholders in words, the lexicon; edits alone can't draw."""
    lexicon = GuardedTextModel(LexiconModel(), guard_of(settings, "local"))
    texts = dict[str, TextModel]({lexicon.name: lexicon})
    texts |= {name: model for name, model in models.writers.items() if name != "mock"}
    images = {name: model for name, model in models.makers.items() if name != "local"}
    return DreamModels(texts.get(models.text.name, lexicon), models.image, texts, images)
