"""Databases as earlier releases wrote them, and the tests that upgrade them."""
