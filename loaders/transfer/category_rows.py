"""Matches imported rows of categories with stored categories, by id, slug or name."""

from loaders.model import MOST_CATEGORIES, CategoryDoc
from loaders.mongo import Database, find
from loaders.reading import fit
from loaders.text import slugify
from loaders.transfer.imports import Incoming, Key


class CategoryRows:
    """The categories of one import: those that are stored, and those that its rows add.

    When a course names a category that doesn't exist, the category is created without an external id. A row
    with the same slug or name gives its external id to that category, instead of creating a second one.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by_slug: dict[str, Key] | None = None
        # Maps the former slugs of a category, and the slug made from its name, to its present slug.
        self._present: dict[str, str] = {}
        self._keys: dict[Key, Key] = {}  # maps keys of rows and categories to keys of categories
        self._rows: dict[
            Key, tuple[int, Key]
        ] = {}  # the number and original key of each category's first row

    async def place(self, incoming: Incoming) -> str | None:
        """Gives a row the key of the category that it matches, if there is one.

        Returns why the row can't be imported, or None if it can. A category's slug is set when the category
        is created. Later imports don't change the slug.
        """
        by_slug = await self._stored()
        own, name = incoming.key, incoming.fields.get("name") or ""
        slug = incoming.fields.pop("slug", None) or slugify(name)
        former = incoming.fields.pop("oldSlugs", None)
        key = self._keys.get(own) or by_slug.get(self._present.get(slug, slug))
        if key is None:
            if not slug:
                return f"name: “{name}” has no letters or digits to make a slug from"
            if len(by_slug) >= MOST_CATEGORIES:
                return f"name: “{name}” would exceed the limit of {MOST_CATEGORIES} categories"
            key = by_slug[slug] = own
            incoming.new |= {"slug": slug, **self._unused(former)}
        first, claimant = self._rows.setdefault(key, (incoming.row, own))
        if claimant != own:
            return f"row {first} is the same category: “{slug}”"
        self._keys[own] = incoming.key = key
        if isinstance(own, tuple) and not isinstance(key, tuple):
            incoming.fields["externalId"] = {"source": own[0], "id": own[1]}
        return None

    async def _stored(self) -> dict[str, Key]:
        """Returns the keys of all categories by slug, including those that this import adds."""
        if self._by_slug is None:
            self._by_slug = {}
            found = await find(self._database["categories"], {}, size=MOST_CATEGORIES)
            for category in fit("categories", found):
                self._add(self._by_slug, category)
        return self._by_slug

    def _add(self, by_slug: dict[str, Key], category: CategoryDoc) -> None:
        external = category.get("externalId")
        key = (external["source"], external["id"]) if external else category["_id"]
        by_slug[category["slug"]] = self._keys[key] = key
        for slug in (*category.get("oldSlugs", ()), slugify(category["name"])):
            if slug:
                self._present.setdefault(slug, category["slug"])

    def _unused(self, former: list[str] | None) -> dict[str, list[str]]:
        """Returns the former slugs of a new category, without those that lead to another category."""
        if not former:
            return {}
        return {"oldSlugs": [s for s in former if s not in self._present and s not in (self._by_slug or ())]}
