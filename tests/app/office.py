"""Runs `lectern account`, and uses its output on a gateway."""

from dataclasses import dataclass
from typing import Any

import httpx
from pymongo.database import Database
from typer.testing import CliRunner, Result

from app import cli
from app.commands.people import AccountError

ADA = "ada@example.org"
PASSWORD = "correct horse battery"
SESSION = (
    "{ accessToken refreshToken viewer { roles student { name email } instructor { name } } errors { code } }"
)


@dataclass
class Office:
    """Runs `lectern account` in this process. `url` is a gateway on the same database."""

    database: Database[dict[str, Any]]
    url: str

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(cli.app, ["account", *arguments])

    def ok(self, *arguments: str) -> str:
        """Runs a command that succeeds. Returns its standard output."""
        result = self.run(*arguments)
        assert result.exception is None, f"{result.exception!r}\n{result.output}"
        return result.stdout.strip()

    def refused(self, *arguments: str) -> str:
        result = self.run(*arguments)
        assert isinstance(result.exception, AccountError), result.output
        return str(result.exception)

    def account(self, email: str = ADA) -> dict[str, Any]:
        found = self.database["accounts"].find_one({"email": email})
        assert found
        return found

    def mutate(self, field: str, input: dict[str, Any], selection: str, token: str = "") -> Any:
        input_type = f"{field[0].upper()}{field[1:]}Input"
        text = f"mutation($input: {input_type}!) {{ {field}(input: $input) {selection} }}"
        headers = {"authorization": f"Bearer {token}"} if token else {}
        body = {"query": text, "variables": {"input": input}}
        answer = httpx.post(f"{self.url}/graphql", json=body, headers=headers).json()
        assert "errors" not in answer, answer
        return answer["data"][field]

    def set_password(self, token: str) -> Any:
        return self.mutate("resetPassword", {"token": token, "newPassword": PASSWORD}, SESSION)

    def sign_in(self, email: str = ADA) -> Any:
        return self.mutate("signIn", {"email": email, "password": PASSWORD}, SESSION)
