"""How a field of the mutation runs: who may, what is wrong with its input, its transaction, its answer.

A mutation is `async (ctx, given) -> the objects of its payload`, a write `async (ctx, tx, given)`, which is
part of a transaction, is done once for an idempotency key, and leaves an entry in the audit log. `given` are
the values of the input by their GraphQL names, as they are stored; what was left out is not there. What can't
be done raises RefusedError, and nothing of it is kept.
"""

from asyncio import shield
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import nullcontext
from dataclasses import fields as fields_of
from dataclasses import is_dataclass
from hashlib import blake2b
from inspect import Parameter, Signature
from math import inf
from typing import Annotated, Any, TypeAlias

import strawberry
from strawberry import UNSET
from strawberry.utils.str_converters import to_camel_case

import loaders.accounts
import loaders.audit
from loaders import idempotency
from loaders.model import ActorDoc
from loaders.mongo import (
    DeadlineError,
    OutcomeUnknownError,
    Transaction,
    current_scope,
    outcome,
    report_late,
    start_detached,
    take_time,
    transaction,
)
from resolvers import access, fields
from resolvers.context import Context, Viewer
from resolvers.errors import RefusedError, UserErrorDoc, refusal
from resolvers.writing.checks import NotFoundError
from resolvers.writing.write_inputs import LONGEST_CLIENT_MUTATION_ID

Given: TypeAlias = Mapping[str, Any]
Objects: TypeAlias = Mapping[str, Any]
Mutation: TypeAlias = Callable[[Context, Given], Awaitable[Objects]]
Write: TypeAlias = Callable[[Context, Transaction, Given], Awaitable[Objects]]
#: From a payload's objects to those that have changed since; None when nothing is left to do.
Rest: TypeAlias = Callable[[Context, Transaction, Objects], Awaitable[Objects | None]]

_INPUT = strawberry.argument(description="What is written.")
_REST = "rest of a write"  # to the log
_PART = 20.0  # seconds for a part of it
_NOT_STORED = ("clientMutationId", "idempotencyKey")


def mutation(
    function: Mutation, input_type: type, *, description: str, commands: int, weight: int | None = None
) -> Any:
    """A field of the mutation."""
    name = to_camel_case(function.__name__)

    async def run(ctx: Context, *, input: Any) -> Objects:
        # It goes on to its end when its client is gone.
        return await shield(start_detached(_payload(ctx, name, input, function)))

    run.__signature__ = Signature(  # type: ignore[attr-defined] # read by resolvers.fields
        [Parameter("input", Parameter.KEYWORD_ONLY, annotation=Annotated[input_type, _INPUT])]
    )
    return fields.root(run, description=description, commands=commands, weight=weight)


def write(
    function: Write, input_type: type, *, description: str, commands: int, rest: Rest | None = None
) -> Any:
    """A field of the mutation that is one transaction. commands: as of resolvers.fields.level.

    rest: what remains to be done once it is committed, where that may be much: repeated, each time in a
    transaction of its own, until nothing is left. It goes on past the deadline of its request, whose payload
    then has what was committed first. If the write is sent again, it goes on with the rest.
    """
    name = to_camel_case(function.__name__)

    async def mutate(ctx: Context, given: Given) -> Objects:
        done: Objects = {}

        async def work(tx: Transaction) -> Objects:
            nonlocal done
            done = await _once(ctx, tx, name, function, given)
            return done

        try:
            await transaction(ctx.loaders.database, work)
        except OutcomeUnknownError as unknown:
            if rest:
                following = start_detached(_with_rest(ctx, name, rest, done, unknown.commit))
                report_late(following, _REST)
            raise
        return await _waited(_with_rest(ctx, name, rest, done), done) if rest else done

    mutate.__name__ = function.__name__
    return mutation(mutate, input_type, description=description, commands=commands)


def actor(viewer: Viewer) -> ActorDoc:
    """A viewer as the audit log has them."""
    roles: Any = sorted(viewer.roles)
    return {
        "subject": viewer.subject, "roles": roles, "studentId": viewer.student_id,
        "instructorId": viewer.instructor_id,
    }  # fmt: skip


def values(input: Any) -> dict[str, Any]:
    """The values of an input by their GraphQL names, as they are stored.

    Raises RefusedError, with an error for each that can't be.
    """
    given: dict[str, Any] = {}
    errors: list[UserErrorDoc] = []
    for field in fields_of(input):
        value, name = getattr(input, field.name), to_camel_case(field.name)
        if value is UNSET:
            continue
        try:
            given[name] = _checked(value, field.metadata)
        except RefusedError as refused:
            errors += [{**e, "path": ["input", name, *e["path"][1:]]} for e in refused.errors]
        except ValueError as error:
            code = "NOT_FOUND" if isinstance(error, NotFoundError) else "INVALID"
            errors.append({"code": code, "message": str(error), "path": ["input", name]})
    if errors:
        raise RefusedError(errors)
    return given


def _checked(value: Any, metadata: Mapping[str, Any]) -> Any:
    if value is None:
        if metadata.get("kept"):
            raise ValueError("It can't be taken away: leave it out, and it stays.")
        return None
    if is_dataclass(value):
        return values(value)
    return metadata["check"](value)


async def _payload(ctx: Context, name: str, input: Any, function: Mutation) -> Objects:
    scope = current_scope.get()
    payload: Objects = {"clientMutationId": _returned(input.client_mutation_id), "errors": []}
    try:
        access.require_role(ctx.viewer, name)
        with scope.writing() if scope else nullcontext():
            return {**payload, **await function(ctx, values(input))}
    except RefusedError as refused:
        return {**payload, "errors": refused.errors}
    finally:
        ctx.loaders.forget()


def _returned(sent: Any) -> str | None:
    """One that is too long is told as an error of the input."""
    return sent if isinstance(sent, str) and len(sent) <= LONGEST_CLIENT_MUTATION_ID else None


async def _once(ctx: Context, tx: Transaction, name: str, function: Write, given: Given) -> Objects:
    """What a write gives, or gave when it was done with the same key."""
    await _require_session(ctx.viewer, tx)
    key = given.get("idempotencyKey")
    digest = _digest(given)
    if key and (kept := await idempotency.kept(tx, ctx.viewer.subject, key)):
        if (kept["action"], kept["digest"]) != (name, digest):
            raise refusal(
                "CONFLICT", "This key was used for something else: take a new one.", "idempotencyKey"
            )
        answer: Objects = kept["answer"]
        return answer
    objects = await function(ctx, tx, given)
    if tx.changes:
        await loaders.audit.record(tx, name, actor(ctx.viewer), ctx.address)
    if key:
        await idempotency.keep(tx, ctx.viewer.subject, key, action=name, digest=digest, answer=objects)
    return objects


async def _waited(rest: Coroutine[Any, Any, Objects], done: Objects) -> Objects:
    """What a write has done, with the rest of it; at the deadline without, and the rest goes on."""
    scope, following = current_scope.get(), start_detached(rest)
    try:
        return await outcome(following, scope.deadline if scope else inf, _REST)
    except DeadlineError:  # the request's; or its own, and then nobody has reported it
        if following.done():
            report_late(following, _REST)
        return done


async def _with_rest(
    ctx: Context, name: str, rest: Rest, done: Objects, commit: Awaitable[None] | None = None
) -> Objects:
    """What a write has done, with the rest of it: each part has a time of its own.

    commit: the write's own, where it is still under way. If it fails there is no rest.
    """
    if commit:
        try:
            await commit
        except Exception:  # reported as the commit's outcome
            return done

    async def work(tx: Transaction) -> Objects | None:
        more = await rest(ctx, tx, done)
        if tx.changes:
            await loaders.audit.record(tx, name, actor(ctx.viewer), ctx.address)
        return more

    while True:
        take_time(_PART)
        if (more := await transaction(ctx.loaders.database, work)) is None:
            return done
        done = {**done, **more}


async def _require_session(viewer: Viewer, tx: Transaction) -> None:
    """An access token outlives its session by minutes; for writes it doesn't."""
    if viewer.session_id and not await loaders.accounts.session(tx, viewer.session_id):
        raise refusal("UNAUTHENTICATED", "The session has ended: sign in again.")


def _digest(given: Given) -> bytes:
    told = {name: value for name, value in given.items() if name not in _NOT_STORED}
    return blake2b(repr(sorted(told.items())).encode(), digest_size=16).digest()
