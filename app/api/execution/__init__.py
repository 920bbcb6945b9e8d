"""Operations as compiled functions, with graphql-core behind them for whatever is unusual.

The promise is that nobody can tell: data, errors, their paths and their order are graphql-core's. It is kept in two
ways. Plain attributes have no side effects, so what goes wrong among them is simply done again by graphql-core. What
is at hand where a resolver would look for it is read without the resolver, and is as plain. Resolvers are called once,
in graphql-core's order, and every error goes through its own handling.
"""
