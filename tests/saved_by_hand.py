"""Files of save, as they are and with something else in them."""

import json

import safetensors
import safetensors.numpy

from sk_rnnimage.persistence.saving import KEY


def opened(path):
    """What a file holds: the tree of the estimator and the arrays."""
    with safetensors.safe_open(path, framework="np") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return json.loads(file.metadata()[KEY]), arrays


def written(path, recipe, arrays):
    """A file that holds such a tree and such arrays."""
    text = recipe if isinstance(recipe, str) else json.dumps(recipe)
    path.write_bytes(safetensors.numpy.save(arrays, {KEY: text}))
    return path


def attributes(node):
    """The attributes in a node of an estimator, as a dict of nodes."""
    return dict(node["estimator"][1])


def changed(node, **others):
    """A node of an estimator with other attributes."""
    name, pairs = node["estimator"]
    return {"estimator": [name, [[k, others.get(k, v)] for k, v in pairs]]}
