"""Each root field asks who calls, before anything else of it runs."""

from collections.abc import AsyncGenerator, Callable, Mapping
from functools import wraps
from typing import Any

from graphql import GraphQLField, GraphQLSchema

from app.api.context import viewer
from app.api.rule import SIGNED_IN, Caller, Rule
from app.errors import AppError

type Resolver = Callable[..., Any]


def enforce(schema: GraphQLSchema, rules: Mapping[str, Rule]) -> None:
    """Have each root field ask for a log-in, unless its rule lets anybody call; one without a rule asks."""
    for root in (schema.query_type, schema.mutation_type, schema.subscription_type):
        for name, field in root.fields.items() if root else ():
            if rules.get(name, SIGNED_IN).caller is not Caller.ANYBODY:
                _guard(field)


def _guard(field: GraphQLField) -> None:
    if field.subscribe is not None:
        field.subscribe = _for_followers(field.subscribe)
    elif field.resolve is not None:
        field.resolve = _for_callers(field.resolve)


def _for_callers(resolve: Resolver) -> Resolver:
    @wraps(resolve)
    def guarded(source: Any, info: Any, **arguments: Any) -> Any:
        viewer(info)
        return resolve(source, info, **arguments)

    return guarded


def _for_followers(subscribe: Resolver) -> Resolver:
    """The refusal comes as the first message, as other failures of a subscription do."""

    @wraps(subscribe)
    def guarded(source: Any, info: Any, **arguments: Any) -> Any:
        try:
            viewer(info)
        except AppError as error:
            return _refused(error)
        return subscribe(source, info, **arguments)

    return guarded


async def _refused(error: AppError) -> AsyncGenerator[None]:
    raise error
    yield  # it makes this a stream
