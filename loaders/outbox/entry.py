"""Events, messages to people, and the entries of the outbox that carry them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, NamedTuple, TypeAlias, TypedDict, get_args

from bson import ObjectId

from loaders.mongo import Document, Value

#: What can have happened. docs/webhooks.md describes the data of each kind.
EventKind: TypeAlias = Literal[
    "course.published",
    "course_run.changed",
    "course_run.cancelled",
    "enrollment.created",
    "enrollment.moved_up",
    "review.written",
    "review.held",
]
EVENT_KINDS: frozenset[str] = frozenset(get_args(EventKind))

#: The messages that people can get. app/delivery/messages/message_kinds.py has the fields of each.
MessageKind: TypeAlias = Literal[
    "verify_email",
    "reset_password",
    "change_email",
    "email_changed",
    "address_taken",
    "password_changed",
    "run_cancelled",
    "moved_up",
    "account_deactivated",
    "account_deleted",
]

#: The destination of messages to people. The other destinations are webhooks, which can't have this name.
MAIL = "mail"

#: The kind of a message begins with this; the name of its text follows.
MESSAGE = "message."

#: PENDING: to be delivered. PARKED: it failed too often, so somebody has to look at it; what comes later for
#: its subject waits. SENT: delivered; it is kept for some days.
State: TypeAlias = Literal["PENDING", "PARKED", "SENT"]
#: The states of entries that have not been delivered.
UNDELIVERED: tuple[State, ...] = ("PENDING", "PARKED")


#: Days after which a message is deleted, even if it was never sent: for instance because no gateway knows any
#: more how. It may have a stranger's address.
UNSENT_DAYS = 30


class Event(NamedTuple):
    """Something that happened to an object, its subject. A receiver gets a subject's events in order.

    subject_type: the GraphQL type of the subject. data: ids of documents, under names such as `courseId`, and
    values of enums; nothing personal, because receivers ask the API for the rest. people: the ids of the
    students and accounts that the event is about.
    """

    kind: EventKind
    subject_type: str
    subject_id: ObjectId
    data: Mapping[str, Value]
    people: tuple[ObjectId, ...] = ()

    @property
    def subject(self) -> str:
        return f"{self.subject_type}:{self.subject_id}"


class Message(NamedTuple):
    """A message to a person, whose address is looked up when it is sent.

    template: the name of its text. account_id, student_id: whose address it goes to. to: an address to use
    instead, which needn't belong to anybody. It is deleted once the message has been sent.
    data: what the text needs, apart from names and secrets: the `runId` of a message about a run.
    expires_on: when it is no longer worth sending.
    language: that of the text; None for that of the account, or the default if there is none.
    dedupe: the same value for retries of the same request, for which only one message is sent.
    """

    template: MessageKind
    account_id: ObjectId | None = None
    student_id: ObjectId | None = None
    to: str | None = None
    data: Mapping[str, Value] = {}
    expires_on: datetime | None = None
    language: str | None = None
    dedupe: str | None = None


class EntryDoc(TypedDict):
    """A document of the collection `outbox`: an event or message for one destination."""

    _id: ObjectId
    destination: str  # MAIL, or the name of a webhook
    kind: str  # an EventKind, or MESSAGE and the name of the text
    subject: (
        str  # "Course:" and the id in hexadecimal; a message is its own subject: "Message:" and its `_id`
    )
    sequence: int  # numbers the entries of a subject and destination, without gaps, from 1
    data: Document  # of the event or message; with `accountId` and `studentId` of a message
    people: list[ObjectId]
    to: str | None  # the address of a message, unless it is that of an account or student; "" once it is sent
    language: str | None
    at: datetime  # when the transaction began that wrote the entry
    expiresOn: datetime | None
    state: State
    dueAt: datetime  # when to deliver it; while it is claimed, when the claim expires
    claim: str | None  # identifies the claim of the process that is delivering it
    attempts: int  # number of failed attempts
    lastError: str | None  # of the last one: a status or the name of an exception, never an address
    sentAt: datetime | None
    deleteAt: datetime | None  # when MongoDB deletes the entry; null for an event that is not SENT
