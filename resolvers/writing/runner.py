"""Runs the fields of Mutation: checks permissions and inputs, runs the transaction and returns the payload.

A mutation is a function `async (ctx, values) -> the objects of its payload`. A write is a mutation
`async (ctx, tx, values)` that runs in a transaction, at most once per idempotency key, and adds an entry to
the audit log. `values` maps the GraphQL names of the input fields to their checked values, in the form in
which they are stored; omitted fields are not in it. A mutation that can't be carried out raises RefusedError,
and its transaction is aborted.
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
from bson import ObjectId
from strawberry import UNSET
from strawberry.utils.str_converters import to_camel_case

import loaders.accounts
import loaders.audit
from loaders import idempotency
from loaders.model import ActorDoc, StudentDoc
from loaders.mongo import (
    DeadlineError,
    OutcomeUnknownError,
    Transaction,
    UnfinishedError,
    current_scope,
    outcome,
    report_late,
    start_detached,
    take_time,
    transaction,
)
from loaders.reading import fit_read
from resolvers import access, fields
from resolvers.context import Context, Viewer
from resolvers.errors import RefusedError, UserErrorDoc, refusal
from resolvers.inputs import InputObject
from resolvers.values import InvalidValueError

LONGEST_CLIENT_MUTATION_ID = 200  # maximum length of a `clientMutationId`, in characters

#: The checked values of an input, in the form in which they are stored, keyed by GraphQL name. Any, because
#: each input field has its own type.
InputValues: TypeAlias = Mapping[str, Any]
#: The values in a payload, keyed by GraphQL field name. Any, because each is a document or a plain value.
Objects: TypeAlias = Mapping[str, Any]
Mutation: TypeAlias = Callable[[Context, InputValues], Awaitable[Objects]]
Write: TypeAlias = Callable[[Context, Transaction, InputValues], Awaitable[Objects]]
#: A function that does one part of a write's follow-up work. It takes the objects of the write's payload, and
#: returns the changed ones. It is called repeatedly, until it returns None because nothing is left to do.
FollowUp: TypeAlias = Callable[[Context, Transaction, Objects], Awaitable[Objects | None]]

#: A coroutine that does the follow-up work of a write. Any, because only the event loop uses what the
#: coroutine yields and receives.
_Work: TypeAlias = Coroutine[Any, Any, Objects]

_INPUT = strawberry.argument(description="Input of the mutation.")
_FOLLOW_UP = "rest of a write"  # the `kind` of a late_write event about follow-up work
_FOLLOW_UP_DEADLINE = 20.0  # seconds; time limit for one transaction of follow-up work
_NOT_IN_DIGEST = ("clientMutationId", "idempotencyKey")


def mutation(
    function: Mutation,
    input_type: type,
    *,
    description: str,
    commands: int,
    rare_commands: int = 0,
    weight: int | None = None,
    has_own_limit: bool = False,
) -> fields.Declaration:
    """Declares a field of Mutation. commands, rare_commands, weight, has_own_limit: see resolvers.fields."""
    name = to_camel_case(function.__name__)
    if not access.has_rule(name):
        raise TypeError(f"{name} has no rule in resolvers/access/rules.py")

    async def run(ctx: Context, *, input: InputObject) -> Objects:
        # The mutation runs as a detached task, so that it is completed even if the client disconnects.
        return await shield(start_detached(_payload(ctx, name, input, function)))

    run.__signature__ = Signature(  # type: ignore[attr-defined] # read by resolvers.fields
        [Parameter("input", Parameter.KEYWORD_ONLY, annotation=Annotated[input_type, _INPUT])]
    )
    return fields.root(
        run,
        description=description,
        commands=commands,
        rare_commands=rare_commands,
        weight=weight,
        has_own_limit=has_own_limit,
    )


def write(
    function: Write,
    input_type: type,
    *,
    description: str,
    commands: int,
    rare_commands: int = 0,
    follow_up: FollowUp | None = None,
    has_to_finish: bool = False,
) -> fields.Declaration:
    """Declares a field of Mutation that runs in a transaction.

    commands, rare_commands: see resolvers.fields.level.
    follow_up: does the rest of the work after the commit, if the work might be too much for one transaction.
    It is called repeatedly, each time in a new transaction, until nothing is left to do. The work continues
    past the request's deadline; the payload then shows the state after the first commit. If the write is
    retried, the work resumes.
    has_to_finish: whether a request whose deadline passes before the work is done is answered with an error.
    """
    name = to_camel_case(function.__name__)

    async def mutate(ctx: Context, values: InputValues) -> Objects:
        objects: Objects = {}

        async def work(tx: Transaction) -> Objects:
            nonlocal objects
            tx.fit = fit_read
            objects = await _run_once(ctx, tx, name, function, values)
            return objects

        try:
            await transaction(ctx.loaders.database, work)
        except OutcomeUnknownError as unknown:
            if follow_up:
                task = start_detached(_finish(ctx, name, follow_up, objects, unknown.commit))
                report_late(task, _FOLLOW_UP)
            raise
        if follow_up is None:
            return objects
        return await followed_up(ctx, name, follow_up, objects, has_to_finish=has_to_finish)

    mutate.__name__ = function.__name__
    return mutation(
        mutate, input_type, description=description, commands=commands, rare_commands=rare_commands
    )


def actor(viewer: Viewer) -> ActorDoc:
    """Converts a viewer to the form in which the audit log stores the actor."""
    roles: Any = sorted(viewer.roles)  # Any, because these roles are strings, but ActorDoc needs Literals
    return {
        "subject": viewer.subject, "roles": roles, "studentId": viewer.student_id,
        "instructorId": viewer.instructor_id,
    }  # fmt: skip


def checked_values(input: InputObject) -> dict[str, Any]:  # Any, for the reason given at InputValues
    """Checks an input, and returns its values in the form in which they are stored, keyed by GraphQL name.

    Raises RefusedError with an error for each invalid value.
    """
    values: dict[str, Any] = {}  # Any, for the reason given at InputValues
    errors: list[UserErrorDoc] = []
    for field in fields_of(input):
        value, name = getattr(input, field.name), to_camel_case(field.name)
        if value is UNSET:
            continue
        try:
            values[name] = _checked(value, field.metadata)
        except RefusedError as refused:
            errors += [{**e, "path": ["input", name, *e["path"][1:]]} for e in refused.errors]
        except InvalidValueError as error:
            errors += refusal(error.code, str(error), name, reason=error.reason, **error.params).errors
    if errors:
        raise RefusedError(errors)
    return values


def _checked(value: Any, metadata: Mapping[str, Any]) -> Any:  # Any, because fields have different types
    if value is None:
        if metadata.get("not_null"):
            message = "This can't be null. Omit the field to keep its value."
            raise InvalidValueError(message, "REQUIRED")
        return None
    if is_dataclass(value):
        return checked_values(value)
    return metadata["check"](value)


async def _payload(ctx: Context, name: str, input: InputObject, function: Mutation) -> Objects:
    scope = current_scope.get()
    payload: Objects = {"clientMutationId": _client_mutation_id(input), "errors": []}
    try:
        access.require_role(ctx.viewer, name)
        with scope.writing() if scope else nullcontext():
            return {**payload, **await function(ctx, checked_values(input))}
    except RefusedError as refused:
        return {**payload, "errors": refused.errors}
    finally:
        ctx.loaders.forget()


def _client_mutation_id(input: InputObject) -> str | None:
    """Returns the `clientMutationId` of an input, or None if it is too long.

    A `clientMutationId` that is too long is refused when the input is checked.
    """
    sent = input.client_mutation_id
    return sent if isinstance(sent, str) and len(sent) <= LONGEST_CLIENT_MUTATION_ID else None


async def _run_once(
    ctx: Context, tx: Transaction, name: str, function: Write, values: InputValues
) -> Objects:
    """Runs a write, or returns the stored result if it already ran with the same idempotency key."""
    await _require_session(ctx.viewer, tx)
    key = values.get("idempotencyKey")
    digest = _digest(values)
    if key and (earlier := await idempotency.kept(tx, ctx.viewer.subject, key)):
        if (earlier["action"], earlier["digest"]) != (name, digest):
            message = "This key has already been used for a different request: use a new key."
            raise refusal("CONFLICT", message, "idempotencyKey")
        answer: Objects = earlier["answer"]
        return answer
    objects = await function(ctx, tx, values)
    if tx.changes:
        await loaders.audit.record(tx, name, actor(ctx.viewer), ctx.address)
    if key:
        student_id = ctx.viewer.student_id if ctx.viewer.is_external else None
        await idempotency.keep(
            tx, ctx.viewer.subject, key, action=name, digest=digest, answer=objects, student_id=student_id
        )
    return objects


async def followed_up(
    ctx: Context, name: str, follow_up: FollowUp, objects: Objects, *, has_to_finish: bool = False
) -> Objects:
    """Does the follow-up work of a mutation, see `write`. Returns the payload's objects, changed by the work.

    name: the name of the mutation, for the audit log. objects: those of its payload.
    """
    return await _wait(_finish(ctx, name, follow_up, objects), objects, has_to_finish=has_to_finish)


async def _wait(follow_up: _Work, objects: Objects, *, has_to_finish: bool) -> Objects:
    """Starts follow-up work, and waits for it until the request's deadline.

    After the deadline, the work continues in the background. Returns the objects of the payload as changed by
    the work. If the deadline passes first, returns them unchanged, or raises UnfinishedError if the work has
    to be finished.
    """
    scope, task = current_scope.get(), start_detached(follow_up)
    try:
        return await outcome(task, scope.deadline if scope else inf, _FOLLOW_UP)
    except DeadlineError:
        # If the request's deadline has passed, the task is still running, and `outcome` reports its result
        # later. If the task is done, one of its transactions missed its own deadline; that is reported here.
        if task.done():
            report_late(task, _FOLLOW_UP)
        if has_to_finish:
            raise UnfinishedError from None
        return objects


async def _finish(
    ctx: Context,
    name: str,
    follow_up: FollowUp,
    objects: Objects,
    commit: Awaitable[None] | None = None,
) -> Objects:
    """Does the follow-up work of a write, and returns the changed payload.

    The work can take several transactions, each with its own deadline. commit: the commit of the write, if it
    hasn't finished yet. If the commit fails, no follow-up work is done.
    """
    if commit:
        try:
            await commit
        except Exception:  # the failure has already been reported as the outcome of the commit
            return objects

    async def work(tx: Transaction) -> Objects | None:
        tx.fit = fit_read
        changed = await follow_up(ctx, tx, objects)
        if tx.changes:
            address = ctx.address if await _is_present(ctx.viewer, tx) else ""
            await loaders.audit.record(tx, name, actor(ctx.viewer), address)
        return changed

    while True:
        take_time(_FOLLOW_UP_DEADLINE, counted=False)
        if (changed := await transaction(ctx.loaders.database, work)) is None:
            return objects
        objects = {**objects, **changed}


async def _require_session(viewer: Viewer, tx: Transaction) -> None:
    """Raises RefusedError if the viewer's session has ended, or their student was merged into another.

    For some minutes after a session has ended, its access token can still be used to read, but not to write.
    The student of somebody who signs in through an external issuer is cached for some seconds
    (app/auth/issuer.py). A write in the name of a student who is gone would belong to nobody.
    """
    if viewer.session_id and not await loaders.accounts.session(tx, viewer.session_id):
        raise refusal("UNAUTHENTICATED", "The session has ended: sign in again.")
    if viewer.is_external and viewer.student_id and not await _is_there(tx, viewer.student_id):
        raise refusal("CONFLICT", "Your profile has just been merged or deleted: try again in some seconds.")


async def _is_present(viewer: Viewer, tx: Transaction) -> bool:
    """Returns whether a viewer may still write. Follow-up work outlives the erasure of who has caused it."""
    try:
        await _require_session(viewer, tx)
    except RefusedError:
        return False
    return True


async def _is_there(tx: Transaction, student_id: ObjectId) -> bool:
    """Returns whether a student is neither gone nor about to be."""
    found: StudentDoc | None = await tx.get("students", student_id)
    return found is not None and not found.get("mergedInto") and not found.get("erasedAt")


def _digest(values: InputValues) -> bytes:
    """Returns a digest of an input, to distinguish a retry from a different request with the same key."""
    digested = {name: value for name, value in values.items() if name not in _NOT_IN_DIGEST}
    return blake2b(repr(sorted(digested.items())).encode(), digest_size=16).digest()
