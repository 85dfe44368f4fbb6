"""Role frameworks where the builds are the real ones: they compute."""

from __future__ import annotations

import pytest
from testinfra.host import Host

testinfra_hosts = ["ansible://cpu"]

PRODUCTS = {
    "pytorch": "import torch; a = torch.tensor([[1., 2.], [3., 4.]]); print((a @ a).tolist())",
    "jax": "import jax.numpy as np; a = np.array([[1., 2.], [3., 4.]]); print((a @ a).tolist())",
    "pytensor": "import pytensor.tensor as t; a = t.as_tensor([[1., 2.], [3., 4.]]); print((a @ a).eval().tolist())",
    "mxnet": "import mxnet as mx; a = mx.nd.array([[1, 2], [3, 4]]); print(mx.nd.dot(a, a).asnumpy().tolist())",
}


@pytest.mark.parametrize("name", list(PRODUCTS))
def test_an_ordinary_user_multiplies_matrices(host: Host, name: str) -> None:
    path = f"/opt/dlconf/envs/{name}/bin/python"
    product = host.check_output("runuser -l lab -c %s", f"{path} -c '{PRODUCTS[name]}'")
    assert product == "[[7.0, 10.0], [15.0, 22.0]]"
