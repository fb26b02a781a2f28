"""What a process can call: its own models, and those of the cluster."""

from __future__ import annotations

import pytest

from byzer_nb.client import AsyncClient, LocalTransport
from byzer_nb.client.reachable import ReachableModels
from byzer_nb.cluster.deployment import undeploy
from byzer_nb.errors import UnknownModelError
from tests.cluster.conftest import Deploy


async def test_default_model_that_somebody_else_ended_is_told_and_then_no_longer_the_default(deployed: Deploy) -> None:
    deployed("echo")
    deployed("other")
    models = ReachableModels(LocalTransport())
    client = AsyncClient(models)
    await models.choose("echo")
    assert (await client.chat("still there")).text == "still there"
    await undeploy("echo")  # as another kernel would, which does not tell this process
    with pytest.raises(UnknownModelError, match="It was the default model") as ended:
        await client.chat("gone")
    assert "go to 'byzer-tiny' from now on" in ended.value.hint
    assert models.default_model() == "byzer-tiny"
    await models.close()
