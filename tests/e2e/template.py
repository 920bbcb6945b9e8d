"""What every fork starts with: imported once, in the process that all of them are forked from."""

import gc
import os
from contextlib import suppress
from importlib import import_module

# its threads would not live on in a fork
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
for _name in (
    "app.cli",
    "app.serving",
    "app.worker",
    "app.doctor.commands",
    "app.doctor.examination",
    "app.jobs.steering",
    "app.generations.redis.hub",
    "app.generations.redis.queue",
    "app.providers.gemini.image",
    "app.providers.openai.image",
    "app.providers.openai.text",
    "app.providers.openai.vision",
    "app.pictures.cloudinary.store",
    "app.database.child",
    "app.database.overrides",
    "mongoeco.wire",
):
    with suppress(Exception):  # a fork that needs it fails with the same words
        import_module(_name)
gc.collect()
gc.freeze()
