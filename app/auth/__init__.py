"""From the `Authorization` header to the viewer: tokens of Lectern's own, and of an external issuer."""
