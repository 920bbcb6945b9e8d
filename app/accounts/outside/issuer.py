"""An outside issuer, put together: whom its tokens speak for."""

from dataclasses import dataclass

import jwt

from app.accounts.outside.arrivals import Arrivals
from app.accounts.outside.fetching import Jwks
from app.accounts.outside.tokens import IssuerTokens


@dataclass(frozen=True, slots=True)
class OutsideIssuer:
    """`beside`: people may sign up and log in here, too."""

    jwks: Jwks
    tokens: IssuerTokens
    arrivals: Arrivals
    beside: bool = False

    @property
    def name(self) -> str:
        """As its tokens say it."""
        return self.tokens.issuer

    def means(self, token: str) -> bool:
        """Whether a token claims to be of this issuer; where there are no others, all do."""
        if not self.beside:
            return True
        try:
            return jwt.get_unverified_header(token).get("alg") in self.tokens.algorithms
        except jwt.PyJWTError:
            return False
