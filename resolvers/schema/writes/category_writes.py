"""The mutations about categories, and their payloads."""

import strawberry

import resolvers.category
from resolvers import fields
from resolvers.schema import write_inputs
from resolvers.schema.types import Category
from resolvers.schema.writes.payloads import Payload
from resolvers.writing import write


@strawberry.type(description="Result of `createCategory`.")
class CreateCategoryPayload(Payload):
    category: Category | None = fields.plain("The new category; null if the mutation was refused.")


@strawberry.type(description="Result of `updateCategory`.")
class UpdateCategoryPayload(Payload):
    category: Category | None = fields.plain("The updated category; null if the mutation was refused.")


@strawberry.type(description="Result of `mergeCategories`.")
class MergeCategoriesPayload(Payload):
    category: Category | None = fields.plain("The remaining category; null if the mutation was refused.")


@strawberry.type(description="Result of `deleteCategory`.")
class DeleteCategoryPayload(Payload):
    category: Category | None = fields.plain(
        "The category, as it was before it was deleted; null if the mutation was refused."
    )


@strawberry.type
class CategoryWrites:
    create_category: CreateCategoryPayload = write(
        resolvers.category.create_category,
        write_inputs.CreateCategoryInput,
        commands=9,
        description="Creates a category. There can be at most 250 categories.",
    )
    update_category: UpdateCategoryPayload = write(
        resolvers.category.update_category,
        write_inputs.UpdateCategoryInput,
        follow_up=resolvers.category.move_courses,
        commands=19,
        description="Changes a category. If the slug changes, the former slug still leads to the category.",
    )
    merge_categories: MergeCategoriesPayload = write(
        resolvers.category.merge_categories,
        write_inputs.MergeCategoriesInput,
        follow_up=resolvers.category.move_courses,
        commands=20,
        description="Moves all courses of a category to another category, and deletes the category. Its slugs"
        " then lead to the other category.",
    )
    delete_category: DeleteCategoryPayload = write(
        resolvers.category.delete_category,
        write_inputs.DeleteCategoryInput,
        commands=11,
        description="Deletes a category that has no courses.",
    )
