"""The HTTP layer: the GraphQL endpoint, GraphiQL, CORS and health checks."""

from app.http.added_fields import DataByDefault, adding
from app.http.allowed_origins import AllowedOrigins
from app.http.body import length as body_length
from app.http.body import read as read_body
from app.http.cancellation import TimeoutRefusal
from app.http.cors import CORS
from app.http.decoding import Headers, accepts_json, json_value
from app.http.decoding import headers as header_fields
from app.http.endpoint import Endpoint
from app.http.graphiql import graphiql_routes
from app.http.health import HEALTH_ROUTES, Readiness
from app.http.no_route import unrouted
from app.http.reply import code_of, masked
from app.http.token_rejection import viewer_of

__all__ = [
    "CORS",
    "HEALTH_ROUTES",
    "AllowedOrigins",
    "DataByDefault",
    "Endpoint",
    "Headers",
    "Readiness",
    "TimeoutRefusal",
    "accepts_json",
    "adding",
    "body_length",
    "code_of",
    "graphiql_routes",
    "header_fields",
    "json_value",
    "masked",
    "read_body",
    "unrouted",
    "viewer_of",
]
