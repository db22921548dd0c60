"""Exits with 0 if the gateway on a port of this machine answers: `healthcheck.py PORT`.

It asks /healthz, which doesn't depend on MongoDB: a gateway that waits for MongoDB needs no restart.
"""

import sys
from http.client import HTTPConnection, HTTPException

connection = HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=3)
try:
    connection.request("GET", "/healthz")
    status = connection.getresponse().status
except (OSError, HTTPException) as error:
    sys.exit(f"The gateway doesn't answer: {error}")
if status != 200:
    sys.exit(f"The gateway answers with status {status}.")
