"""The fields of the mutation: one module for each kind of document that they are about."""
