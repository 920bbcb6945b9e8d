"""The outside issuer of access tokens, if there is one."""

from app.accounts.ended import Ended
from app.accounts.outside.arrivals import Arrivals
from app.accounts.outside.fetching import Jwks
from app.accounts.outside.issuer import OutsideIssuer
from app.accounts.outside.keys import IssuerKeys
from app.accounts.outside.tokens import IssuerTokens
from app.settings import Settings


def issuer_of(settings: Settings, erased: Ended) -> OutsideIssuer | None:
    """The one that the settings name; null where people log in here."""
    url, issuer, audience = settings.auth_jwks_url, settings.auth_issuer, settings.auth_audience
    if url is None or issuer is None or audience is None:  # the settings have all of them, or none
        return None
    jwks = Jwks(url, settings.auth_algorithms)
    tokens = IssuerTokens(issuer, audience, IssuerKeys(jwks.fetch), settings.auth_algorithms, settings.auth_user_claim)
    return OutsideIssuer(jwks, tokens, Arrivals(issuer, erased), beside=settings.auth_local)


def described(outside: OutsideIssuer | None) -> str:
    """Who keeps the accounts, for people."""
    if outside is None:
        return "sign-up and log-in here"
    return f"tokens of {outside.name}{', sign-up and log-in here beside' if outside.beside else ''}"
