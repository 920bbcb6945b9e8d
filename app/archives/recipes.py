"""The recipes of work that this server does itself."""

from app.generations.recipe import Recipe


def done_here(task: str, **parameters: str) -> Recipe:
    """What this server does itself, whatever providers are set up, and at no cost."""
    return Recipe(task=task, prompts=(), pictures=(), provider="local", model="archive", parameters=parameters)


async def same(recipe: Recipe) -> Recipe:
    """What is done on this server is done by it again."""
    return recipe
