"""The futures of fields that share a batch."""

import asyncio
import gc
from typing import Any

import pytest
from strawberry.dataloader import DataLoader

from resolvers.fields import private_future


@pytest.mark.parametrize("cancelled", [1, 2])
async def test_a_batch_that_fails_after_its_callers_were_cancelled_is_not_reported(cancelled: int) -> None:
    """graphql-core cancels the siblings of a field that failed, while their batch waits for MongoDB."""
    reported: list[dict[str, Any]] = []
    gc.collect()  # what earlier tests have left is reported before
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: reported.append(context))
    fails = asyncio.Event()

    async def load(keys: list[int]) -> list[int]:
        await fails.wait()
        raise TimeoutError

    loader = DataLoader(load)
    callers = [private_future(loader.load(1)) for _ in range(2)]
    await asyncio.sleep(0.01)
    for caller in callers[:cancelled]:
        caller.cancel()
    fails.set()
    outcomes = await asyncio.gather(*callers, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes[cancelled:]] == [TimeoutError] * (2 - cancelled)
    await asyncio.sleep(0.01)
    del loader, callers, outcomes
    gc.collect()
    loop.set_exception_handler(None)
    assert reported == []
