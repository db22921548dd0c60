"""HTTP: the GraphQL endpoint, its pages and its health checks."""

from app.http.cors import CORS
from app.http.endpoint import Endpoint

__all__ = ["CORS", "Endpoint"]
