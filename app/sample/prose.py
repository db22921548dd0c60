"""Composes the texts of reviews from sentences in data/texts and in the catalogue.

A satisfied reviewer praises the course and perhaps mentions a flaw; a dissatisfied one does the reverse.
Sentences are dealt like cards: in the reviews of a course, no sentence is repeated until all have been used.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from string import Formatter

from app.sample.handwritten import CategoryPlan, CoursePlan, Table

_TRIES = 8  # attempts to compose a unique review before a duplicate is accepted


class Deck:
    """Deals cards in random order, and reshuffles them once all are dealt."""

    def __init__(self, cards: Sequence[str], random: Random) -> None:
        self._cards, self._random = list(cards), random
        self._undealt: list[str] = []

    def __len__(self) -> int:
        return len(self._cards)

    def deal(self) -> str:
        if len(self._cards) == 1:
            return self._cards[0]
        if not self._undealt:
            self._undealt = self._random.sample(self._cards, len(self._cards))
        return self._undealt.pop()


@dataclass(frozen=True)
class Written:
    body: str
    title: str
    gripe: str | None  # which of the flaws in app/sample/data/catalogue the review mentions, if any


class Writer:
    """Writes the reviews of one course, in its language."""

    def __init__(
        self,
        plan: CoursePlan,
        category: CategoryPlan,
        teachers: Sequence[str],
        texts: Table,
        random: Random,
    ) -> None:
        self._plan, self._texts, self._random = plan, texts, random
        english = plan.language == "en"
        self._of_category = {
            "praise": category.praise if english else [],
            "complaint": category.complaints if english else [],
        }
        self._decks: dict[str, Deck] = {}
        self._words: Mapping[str, Deck] = {
            "topic": Deck(plan.topics, random),
            "loved": Deck(plan.loved, random),
            "gripe": Deck(plan.gripes, random),
            "teacher": Deck(teachers, random),
            "job": Deck(plan.jobs or category.jobs, random),
            "subject": Deck([plan.subject], random),
            "project": Deck([plan.project], random),
            "time": Deck(texts.get("times", [""]), random),
        }
        self._hours = ""
        self._gripe: str | None = None

    def write(
        self, rating: int, difficulty: int | None, hours: float, fresh: Callable[[str], bool]
    ) -> Written:
        """Composes a review for a given rating. `fresh` returns False if another review has the same body."""
        self._hours = (
            f"{hours:g}" if self._plan.language in ("en", "hi", "ar") else f"{hours:g}".replace(".", ",")
        )
        for _ in range(_TRIES):
            self._gripe = None
            body = self._body(rating, difficulty)
            if fresh(body):
                break
        return Written(body, self._say(f"title.{_mood(rating)}"), self._gripe)

    def reply(self, rating: int, gripe: str | None, student: str | None) -> str:
        """Writes an instructor's reply. If `student` is None, the reply doesn't address anyone by name."""
        kind = "reply.high" if rating > 3 else "reply.low"
        if gripe and self._has("reply.gripe"):
            kind = "reply.gripe"
        usable = [text for text in self._cards(kind) if student or "{student}" not in text]
        text = self._random.choice(usable or self._cards("reply.high")[-1:])
        return self._fill(text, student=student or "", gripe=gripe or "")

    def note(self) -> str:
        """Writes a follow-up note to append to a review."""
        return self._say("update.note")

    def rejected(self) -> str:
        """Generates a review text that a moderator would reject."""
        return self._say("rejected.body") if self._has("rejected.body") else self._say("title.low")

    # -- the forms that a review can have, from one line to several paragraphs ---------------------------

    def _body(self, rating: int, difficulty: int | None) -> str:
        shape = self._random.random()
        if shape < 0.24:
            return self._single(rating)
        if shape < 0.58:
            return self._short(rating)
        if shape < 0.86:
            return _join(self._sentences(rating, difficulty))
        return self._list(rating) if shape > 0.97 else self._long(rating, difficulty)

    def _single(self, rating: int) -> str:
        text = self._say(f"single.{_mood(rating)}")
        careless = self._random.random()
        if self._plan.language != "en" or careless > 0.2:
            return text
        return text.lower().rstrip(".") if careless < 0.1 else text.rstrip(".!") + "!"

    def _short(self, rating: int) -> str:
        parts = [self._say(f"opening.{_mood(rating)}")] if self._random.random() < 0.55 else []
        good, bad = self._good(rating, 1), self._bad(rating, 1)
        parts += good + bad if rating > 2 else bad + good
        if self._random.random() < 0.35 or len(parts) < 2:
            parts.append(self._say(f"closing.{_mood(rating)}"))
        return _join(parts)

    def _sentences(self, rating: int, difficulty: int | None) -> list[str]:
        opening = [self._say(f"opening.{_mood(rating)}"), *self._maybe("sentence.context", 0.5)]
        good, bad = self._good(rating, 2), self._bad(rating, 2)
        middle = good + self._effort(difficulty) + bad if rating > 2 else bad + good
        return [*opening, *middle, *self._maybe(f"closing.{_mood(rating)}", 0.6)]

    def _long(self, rating: int, difficulty: int | None) -> str:
        first = [self._say(f"opening.{_mood(rating)}"), self._say("sentence.context")]
        good, bad = self._good(rating, 4), self._bad(rating, 3)
        effort = self._effort(difficulty)
        last = [*self._maybe("sentence.advice", 0.6), self._say(f"closing.{_mood(rating)}")]
        paragraphs = (
            [first, good, effort + bad, last] if rating > 2 else [first, bad + good, effort + last[-1:]]
        )
        return "\n\n".join(_join(paragraph) for paragraph in paragraphs if paragraph)

    def _list(self, rating: int) -> str:
        if self._plan.language != "en":
            return self._long(rating, None)
        good, bad = self._good(rating, 3), self._bad(min(rating, 4), 2)
        heads = self._random.choice(
            (("Good:", "Not so good:"), ("Pros", "Cons"), ("Liked:", "Did not like:"))
        )
        lists = [
            f"{head}\n" + "\n".join(f"- {s.rstrip('.')}" for s in points)
            for head, points in zip(heads, (good, bad), strict=True)
            if points
        ]
        return "\n\n".join([*lists, self._say(f"closing.{_mood(rating)}")])

    # -- the parts of a review --------------------------------------------------------------------------

    def _good(self, rating: int, most: int) -> list[str]:
        """Writes praise: up to `most` sentences, fewer for a lower rating."""
        if rating <= 2:
            kind = "sentence.concession" if self._has("sentence.concession") else "sentence.loved"
            return self._maybe(kind, 0.45)
        wanted = most if rating > 3 else max(1, most // 2)
        kinds = ["sentence.praise"] * (wanted - 1) + [self._highlight()]
        self._random.shuffle(kinds)
        return self._all(kinds)

    def _highlight(self) -> str:
        mode = "sentence.onsite" if self._plan.modes == ["ONSITE"] else "sentence.online"
        weights = {"sentence.praise": 5, "sentence.loved": 5, "sentence.teacher": 2, mode: 1}
        kinds = [kind for kind in weights if self._has(kind)]
        return self._random.choices(kinds, [weights[kind] for kind in kinds])[0]

    def _bad(self, rating: int, most: int) -> list[str]:
        """Writes up to `most` sentences of complaint, but at most one if the rating is 4 or 5."""
        if rating == 5:
            return self._maybe("sentence.soft", 0.12 * most)
        if rating == 4:
            kind = "sentence.deducted" if self._random.random() < 0.3 else "sentence.soft"
            return self._maybe(kind if self._has(kind) else "sentence.soft", 0.75)
        wanted = max(1, most - 1) if rating == 3 else most
        return self._all(
            ["sentence.complaint"] * (wanted - 1)
            + [self._random.choice(("sentence.hard", "sentence.complaint"))]
        )

    def _effort(self, difficulty: int | None) -> list[str]:
        kind = "easy" if (difficulty or 3) < 3 else "fitting" if (difficulty or 3) == 3 else "tough"
        how = self._maybe(f"sentence.{kind}", 0.4) if difficulty else []
        return how + self._maybe("sentence.hours", 0.35)

    def _all(self, kinds: Iterable[str]) -> list[str]:
        return [self._say(kind) for kind in kinds]

    def _maybe(self, kind: str, chance: float) -> list[str]:
        return [self._say(kind)] if self._has(kind) and self._random.random() < chance else []

    # -- sentences --------------------------------------------------------------------------------------

    def _say(self, kind: str) -> str:
        return self._fill(self._deck(kind).deal())

    def _cards(self, kind: str) -> list[str]:
        group, name = kind.split(".")
        return [*self._texts.get(group, {}).get(name, ()), *self._of_category.get(name, ())]

    def _deck(self, kind: str) -> Deck:
        if kind not in self._decks:
            self._decks[kind] = Deck(self._cards(kind), self._random)
        return self._decks[kind]

    def _has(self, kind: str) -> bool:
        return len(self._deck(kind)) > 0

    def _fill(self, sentence: str, **fixed: str) -> str:
        slots = _slots(sentence)
        if not slots:
            return sentence
        words = {slot.lower(): self._word(slot.lower(), fixed) for slot in slots}
        return sentence.format(**{slot: _cased(words[slot.lower()], slot) for slot in slots})

    def _word(self, slot: str, fixed: Mapping[str, str]) -> str:
        """Returns the word for a slot. A slot is a placeholder, such as {topic}, in a sentence.

        {topic} and {other} get consecutive words from the same deck, so that they usually differ.
        """
        if slot in fixed:
            return fixed[slot]
        if slot == "hours":
            return self._hours
        word = self._words["topic" if slot == "other" else slot].deal()
        if slot == "gripe":
            self._gripe = word
        return word


def _mood(rating: int) -> str:
    return "high" if rating > 3 else "mid" if rating == 3 else "low"


def _join(sentences: Iterable[str]) -> str:
    return " ".join(sentences)


@lru_cache(maxsize=2_000)
def _slots(sentence: str) -> list[str]:
    return list(dict.fromkeys(name for _, name, _, _ in Formatter().parse(sentence) if name))


def _cased(word: str, slot: str) -> str:
    """Capitalises a word if its placeholder is capitalised, as in {Topic}."""
    return word[:1].upper() + word[1:] if slot[0].isupper() else word
