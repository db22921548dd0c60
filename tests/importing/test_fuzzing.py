import random
from collections.abc import Callable

import pytest

from tests.importing import fuzzing
from tests.importing.shell import Shell


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_file_is_imported_or_refused_in_a_sentence(
    fresh_shell: Callable[[str], Shell], shared_data: object, seed: int
) -> None:
    dice = random.Random(seed)
    name, content, collection = dice.choice(fuzzing.real_files())
    file = fuzzing.damaged(content, is_csv=name.endswith(".csv"), dice=dice)
    wrong = fuzzing.complaint(fresh_shell("first"), file, collection, write=dice.random() < 0.5)
    assert wrong is None, f"{name}, {file.kind}: {wrong}"
