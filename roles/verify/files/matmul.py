"""Multiply two small matrices with one framework and say on which device it ran.

Runs in an environment's own Python, read from standard input: `python - FRAMEWORK EXPECTED`, with EXPECTED one of
`gpu` (a GPU is there and its driver loaded), `pending` (a GPU is there, its driver is not loaded yet) and `cpu`.
Prints one JSON object: status (ok, cpu, pending, skipped, failed) and detail. A result of the CPU is never `ok`.
"""

import importlib
import json
import sys

A = [[1, 2, 3], [4, 5, 6]]
B = [[1, 2], [3, 4], [5, 6]]
PRODUCT = [[22, 28], [49, 64]]
MODULES = {"pytorch": "torch"}


def pytorch(torch):
    """Return the product and, where it came from a GPU, the GPU's name."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    product = torch.tensor(A, dtype=torch.float32, device=device) @ torch.tensor(
        B, dtype=torch.float32, device=device
    )
    return product.cpu().tolist(), torch.cuda.get_device_name(
        product.device
    ) if product.is_cuda else None


def tensorflow(tf):
    """Return the product and, where it came from a GPU, the GPU's name."""
    gpus = tf.config.list_physical_devices("GPU")
    with tf.device("/GPU:0" if gpus else "/CPU:0"):
        product = tf.matmul(tf.constant(A, tf.float32), tf.constant(B, tf.float32))
    on_gpu = "GPU" in product.device
    details = tf.config.experimental.get_device_details(gpus[0]) if on_gpu else {}
    return product.numpy().tolist(), details.get("device_name", "a GPU") if on_gpu else None


def jax(jax_module):
    """Return the product and, where it came from a GPU, the GPU's name."""
    numpy = importlib.import_module("jax.numpy")
    product = numpy.matmul(numpy.array(A, dtype="float32"), numpy.array(B, dtype="float32"))
    device = next(iter(product.devices()))
    return product.tolist(), device.device_kind if device.platform in ("gpu", "cuda") else None


def keras(keras_module):
    """Return the product and the GPU's name, through the backend that Keras found."""
    backend = {"torch": "pytorch"}.get(
        keras_module.backend.backend(), keras_module.backend.backend()
    )
    product = keras_module.ops.matmul(
        keras_module.ops.array(A, dtype="float32"), keras_module.ops.array(B, dtype="float32")
    )
    _backend_product, gpu = RUNS[backend](importlib.import_module(MODULES.get(backend, backend)))
    return keras_module.ops.convert_to_numpy(product).tolist(), gpu


RUNS = {"pytorch": pytorch, "tensorflow": tensorflow, "jax": jax, "keras": keras}


def judge(expected, product, gpu, version):
    """Return status and detail of a product that ran on the named GPU, or on the CPU where `gpu` is None."""
    shown = "[{}]".format(", ".join("[{:g}, {:g}]".format(*row) for row in product))
    detail = "{} on {}, version {}".format(shown, gpu or "the CPU", version)
    if product != PRODUCT:
        return {"status": "failed", "detail": "wrong result: " + detail}
    if gpu:
        return {"status": "ok", "detail": detail}
    return {
        "gpu": {
            "status": "failed",
            "detail": "ran on the CPU of a host with a working GPU: " + detail,
        },
        "pending": {
            "status": "pending",
            "detail": "the driver is not loaded, restart first: " + detail,
        },
        "cpu": {"status": "cpu", "detail": detail},
    }[expected]


def check(framework, expected):
    """Return status and detail of one framework."""
    if framework not in RUNS:
        return {"status": "skipped", "detail": "there is no check for " + framework}
    module = importlib.import_module(MODULES.get(framework, framework))
    version = getattr(module, "__version__", "?")
    if getattr(module, "__stand_in__", False):
        return {
            "status": "skipped",
            "detail": f"a stand-in for {framework} {version}, which computes nothing",
        }
    product, gpu = RUNS[framework](module)
    return judge(expected, product, gpu, version)


def main():
    """Print the outcome; an exception of the framework is an outcome too."""
    try:
        outcome = check(*sys.argv[1:3])
    except Exception as error:
        outcome = {
            "status": "failed",
            "detail": f"{type(error).__name__}: {str(error).strip()}",
        }
    print(json.dumps(outcome))


if __name__ == "__main__":
    main()
