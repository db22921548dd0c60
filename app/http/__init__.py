"""The HTTP layer: the GraphQL endpoint, GraphiQL, CORS and health checks."""

from app.http.added_fields import DataByDefault, adding
from app.http.allowed_origins import AllowedOrigins
from app.http.cors import CORS
from app.http.endpoint import Endpoint
from app.http.graphiql import graphiql_routes
from app.http.health import HEALTH_ROUTES, Readiness
from app.http.no_route import unrouted
from app.http.token_rejection import rejection

__all__ = [
    "CORS",
    "HEALTH_ROUTES",
    "AllowedOrigins",
    "DataByDefault",
    "Endpoint",
    "Readiness",
    "adding",
    "graphiql_routes",
    "rejection",
    "unrouted",
]
