"""Names for what BSON and MongoDB's drivers leave untyped, each with the reason why it is `Any`.

A value's type depends on the field that stores it, and a type checker can't connect the name of a collection
with the TypedDict of its documents (loaders.model). These names say which of the two `Any` stands for.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

#: A value that BSON can hold: the field that stores it decides on its type.
Value: TypeAlias = Any

#: A whole document of any collection, as the drivers take and return it.
Document: TypeAlias = dict[str, Any]

#: A document or some of its fields, to be read only. Every TypedDict of loaders.model is one as well.
Fields: TypeAlias = Mapping[str, Any]

#: A stored document whose collection only the caller knows: the caller annotates it with its TypedDict.
Stored: TypeAlias = Any

#: A stage of a pipeline, an operator or an expression, as MongoDB defines them: nested without limit.
Expression: TypeAlias = Mapping[str, Any]

#: A keyword option that is passed on to the driver as it is.
Option: TypeAlias = Any

#: A client, database, collection or session of Motor or of PyMongo's blocking or async API: the same methods
#: without a common base class.
DriverObject: TypeAlias = Any
