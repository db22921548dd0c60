"""The subcommands of `lectern`."""

from inspect import cleandoc

import typer

from app.commands.categories import category
from app.commands.check import check
from app.commands.command_error import CommandError
from app.commands.costs import cost
from app.commands.deliveries import messages, webhooks
from app.commands.explain import explain
from app.commands.export import export, restore
from app.commands.indexes import indexes
from app.commands.migrate import migrate
from app.commands.operations import operations
from app.commands.people import AccountError, account, student
from app.commands.profile import profile
from app.commands.recount import recount
from app.commands.reviews import review
from app.commands.schema import schema
from app.commands.serve import dev, serve
from app.commands.tokens import client_key, token
from app.commands.transfer import import_

__all__ = ["AccountError", "CommandError", "add_to"]


def add_to(app: typer.Typer) -> None:
    """Adds every command, in the order in which `--help` lists them."""
    app.command()(dev)
    app.command()(serve)
    app.command("import")(import_)
    app.command()(export)
    app.command()(restore)
    app.command()(recount)
    app.command()(check)
    app.command()(explain)
    app.command()(cost)
    app.command()(profile)
    app.add_typer(account, name="account")
    app.add_typer(student, name="student")
    app.add_typer(category, name="category")
    app.add_typer(review, name="review")
    app.command()(token)
    app.command()(client_key)
    app.add_typer(schema, name="schema")
    app.add_typer(indexes, name="indexes")
    app.add_typer(operations, name="operations")
    app.add_typer(webhooks, name="webhooks")
    app.add_typer(messages, name="messages")
    app.add_typer(migrate, name="migrate")
    _join_lines(app)


def _join_lines(app: typer.Typer) -> None:
    """Makes a line of each paragraph of the help of the commands.

    Otherwise, Typer keeps the line breaks of a docstring, and breaks its lines at the terminal's width too.
    """
    for command in app.registered_commands:
        paragraphs = cleandoc((command.callback and command.callback.__doc__) or "").split("\n\n")
        command.help = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    for group in app.registered_groups:
        if group.typer_instance:
            _join_lines(group.typer_instance)
