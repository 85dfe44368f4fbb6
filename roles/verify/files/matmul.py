"""Multiply two small matrices with one framework and say on which device it ran.

Runs in an environment's own Python, read from standard input: `python - FRAMEWORK EXPECTED`, with EXPECTED one of
`gpu` (a GPU is there and its driver loaded), `pending` (a GPU is there, its driver is not loaded yet) and `cpu`.
Prints one JSON object: status (ok, cpu, pending, skipped, failed) and detail. A result of the CPU is never `ok`.
Runs with Python 3.6, the oldest that dlconf makes environments of.
"""

import importlib
import json
import os
import sys
import tempfile

A = [[1, 2, 3], [4, 5, 6]]
B = [[1, 2], [3, 4], [5, 6]]
PRODUCT = [[22, 28], [49, 64]]
MODULES = {"pytorch": "torch", "theano-pymc": "theano"}
CPU_ONLY = ("aesara", "pytensor")  # they have no code for GPUs of their own
# Theano and its successors keep compiled code in the home of whoever asks, and look for a compiler.
FLAGS = {
    "aesara": "AESARA_FLAGS",
    "lasagne": "THEANO_FLAGS",
    "pytensor": "PYTENSOR_FLAGS",
    "theano": "THEANO_FLAGS",
    "theano-pymc": "THEANO_FLAGS",
}


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


def mxnet(mx):
    """Return the product and, where it came from a GPU, its place: MXNet knows no names."""
    place = mx.gpu() if mx.context.num_gpus() else mx.cpu()
    product = mx.nd.dot(mx.nd.array(A, place), mx.nd.array(B, place))
    on_gpu = product.context.device_type == "gpu"
    return product.asnumpy().tolist(), str(product.context) if on_gpu else None


def compiled(module, inputs, output, values):
    """Return what Theano, or a successor, makes of an expression, and its device where a GPU's."""
    function = module.function(inputs, output, allow_input_downcast=True)
    steps = function.maker.fgraph.toposort()
    on_gpu = any(type(step.op).__name__.startswith("Gpu") for step in steps)
    return function(*values).tolist(), str(module.config.device) if on_gpu else None


def theano(module):
    """Return the product and, where it came from a GPU, the GPU's device; for its successors too."""
    tensor = importlib.import_module(module.__name__ + ".tensor")
    a, b = tensor.matrix("a"), tensor.matrix("b")
    return compiled(module, [a, b], tensor.dot(a, b), [A, B])


def lasagne(module):
    """Return the product that a dense layer makes, and the GPU's device, through Theano."""
    numpy = importlib.import_module("numpy")
    a = importlib.import_module("theano.tensor").matrix("a")
    layer = module.layers.DenseLayer(
        module.layers.InputLayer((None, len(B))),
        len(B[0]),
        W=numpy.array(B, dtype="float32"),
        nonlinearity=None,
    )
    output = module.layers.get_output(layer, a)
    return compiled(importlib.import_module("theano"), [a], output, [A])


def cupy(module):
    """Return the product and the GPU's name: CuPy has no other device."""
    product = module.matmul(module.array(A, "float32"), module.array(B, "float32"))
    properties = module.cuda.runtime.getDeviceProperties(product.device.id)
    return product.tolist(), str(properties["name"], "utf-8")


def chainer(module):
    """Return the product and, where it came from a GPU, the GPU's name, through CuPy."""
    if module.backends.cuda.available:
        return cupy(module.backends.cuda.cupy)
    numpy = importlib.import_module("numpy")
    a, b = (module.Variable(numpy.array(rows, "float32")) for rows in (A, B))
    return module.functions.matmul(a, b).array.tolist(), None


RUNS = {
    "aesara": theano,
    "chainer": chainer,
    "cupy": cupy,
    "jax": jax,
    "keras": keras,
    "lasagne": lasagne,
    "mxnet": mxnet,
    "pytensor": theano,
    "pytorch": pytorch,
    "tensorflow": tensorflow,
    "theano": theano,
    "theano-pymc": theano,
}


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
    return judge("cpu" if framework in CPU_ONLY else expected, product, gpu, version)


def main():
    """Print the outcome; an exception of the framework is an outcome too."""
    framework, expected = sys.argv[1:3]
    try:
        with tempfile.TemporaryDirectory() as folder:
            if framework in FLAGS:
                os.environ[FLAGS[framework]] = f"base_compiledir={folder},cxx="
            outcome = check(framework, expected)
    except Exception as error:
        outcome = {
            "status": "failed",
            "detail": f"{type(error).__name__}: {str(error).strip()}",
        }
    print(json.dumps(outcome))


if __name__ == "__main__":
    main()
