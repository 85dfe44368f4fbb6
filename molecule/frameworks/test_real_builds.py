"""Role frameworks where the builds are the real ones: they compute."""

from __future__ import annotations

import pytest
from testinfra.host import Host

testinfra_hosts = ["ansible://cpu"]

PRODUCTS = {
    "pytorch": "import torch; a = torch.tensor([[1., 2.], [3., 4.]]); print((a @ a).tolist())",
    "jax": "import jax.numpy as np; a = np.array([[1., 2.], [3., 4.]]); print((a @ a).tolist())",
}


@pytest.mark.parametrize("name", list(PRODUCTS))
def test_it_multiplies_matrices(host: Host, name: str) -> None:
    path = f"/opt/dlconf/envs/{name}/bin/python"
    assert host.check_output("%s -c %s", path, PRODUCTS[name]) == "[[7.0, 10.0], [15.0, 22.0]]"
