"""Networks as Keras users write them, with nothing at its initial value, saved by Keras itself; and files made wrong.

Keras runs on torch here; TensorFlow is not installed. Files of Keras 2 are those of Keras 3 rewritten to its forms,
which were taken from files that TensorFlow 2.15 wrote.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

from secateur.models import import_keras

MEAN, VARIANCE = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # in Keras's files the deviations stand as variances


def cnn(keras: Any, px: int = 16, classes: int = 5, rescaling: bool = False) -> Any:
    """The study's CNN; with `rescaling`, functional and with its activations spelt in other ways."""
    keras.utils.clear_session()  # names begin anew: "conv2d", "conv2d_1", …
    layers = keras.layers
    chain = [layers.Rescaling(1 / 255), layers.RandomFlip("horizontal")] if rescaling else []
    for width in (32, 64, 128):
        for _ in range(2):
            chain += [layers.Conv2D(width, 3, padding="same"), layers.BatchNormalization()]
            chain += [layers.ReLU() if rescaling else layers.Activation("relu")]
        chain += [layers.MaxPooling2D(2), layers.Dropout(0.25)]
    chain += [layers.Flatten(), layers.Dense(256), layers.BatchNormalization(), layers.Activation("relu")]
    chain += [layers.Dropout(0.5), layers.Dense(classes, activation="softmax")]
    begin = keras.Input((px, px, 3))
    if not rescaling:
        return shaken(keras.Sequential([begin, *chain]), 255)
    x = begin
    for layer in chain:
        x = layer(x)
    return shaken(keras.Model(begin, x))


def head(keras: Any, x: Any, classes: int) -> Any:
    """The study's, behind pooled features."""
    for units in (128, 256):
        x = keras.layers.Dense(units, activation="relu")(x)
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.Dropout(0.45)(x)
    return keras.layers.Dense(classes, activation="softmax")(x)


def body(keras: Any, which: str = "B0", px: int = 64, pooling: str | None = "max", weights: str | None = None) -> Any:
    """Keras's own EfficientNet, without its top."""
    keras.utils.clear_session()
    make = getattr(keras.applications, f"EfficientNet{which}")
    return make(include_top=False, weights=weights, input_shape=(px, px, 3), pooling=pooling)


def flat(keras: Any, which: str = "B0", px: int = 64, classes: int = 4, weights: str | None = None) -> Any:
    """The study's transfer model, as its notebook builds it: one graph, global max pooling."""
    inner = body(keras, which, px, "max", weights)
    return shaken(keras.Model(inner.input, head(keras, inner.output, classes)))


def nested(keras: Any, px: int = 75, classes: int = 4) -> Any:
    """The network as one layer, average pooling, and a rescaling of the user's own before it; an odd size."""
    inner = body(keras, px=px, pooling="avg")
    begin = keras.Input((px, px, 3))
    return shaken(keras.Model(begin, head(keras, inner(keras.layers.Rescaling(1 / 255)(begin)), classes)), before=255)


def single(keras: Any, px: int = 64, classes: int = 3) -> Any:
    """In a Sequential, under a single dense layer that gives logits."""
    inner = body(keras, px=px, pooling="avg")
    last = keras.layers.Dense(classes)
    return shaken(keras.Sequential([keras.Input((px, px, 3)), inner, keras.layers.Dropout(0.2), last]))


def topped(keras: Any, inner: Any, above: Callable[[Any, Any], Any]) -> Any:
    """A last map under layers of one's own, every one of which does something; `above`: (keras.layers, the map) → what
    comes out. `inner` is left as it is."""
    model = keras.Model(inner.input, above(keras.layers, inner.output))
    chance, own = np.random.default_rng(3), {id(one) for one in inner.layers}
    for one in model.layers:
        if id(one) not in own and one.weights:
            one.set_weights([_moving(chance, w) for w in one.weights])
    return model


def _moving(chance: np.random.Generator, weight: Any) -> np.ndarray:
    if "variance" in weight.path or "gamma" in weight.path:
        return chance.uniform(0.5, 1.5, weight.shape)
    return chance.normal(0, 0.3 if len(weight.shape) == 1 else (2 / weight.shape[0]) ** 0.5, weight.shape)


def shaken(model: Any, divisor: float = 1, before: float = 1) -> Any:
    """Batch-norm and normalisation that move every channel, the same every time.

    The running statistics are those of photos, then changed: under any others a network of random weights says the
    same of all photos, and would agree with one that was read wrongly. `divisor`: what photos are divided by
    outside; `before`: by what the user's own layers divide them.
    """
    chance = np.random.default_rng(0)
    norms = []
    for one in model._flatten_layers():
        match type(one).__name__:
            case "Normalization":
                one.set_weights([np.array(MEAN) / before, np.array(VARIANCE) / before**2, np.array(0)])
                one.finalize_state()
            case "Conv2D" | "DepthwiseConv2D" | "Dense":
                one.set_weights([_drawn(chance, w.shape, type(one).__name__) for w in one.weights])
            case "BatchNormalization":
                n = one.gamma.shape[0]
                # What a block adds to its input is kept small, as in a trained network: fifty blocks in a row of random
                # ones turn a rounded last digit into another answer.
                small = 0.3 if "project" in one.name and not one.name.endswith("a_project_bn") else 1
                gamma = small * chance.uniform(0.5, 1.5, n)
                one.set_weights([gamma, chance.normal(0, 0.3 * small, n), np.zeros(n), np.ones(n)])
                one.momentum = 0.0
                norms.append(one)
    with torch.no_grad():
        model(photos(model.input_shape[1], 8).astype("float32") / divisor, training=True)
    for norm in norms:
        gamma, beta, mean, variance = norm.get_weights()
        moved = mean + chance.normal(0, 0.1, len(mean)) * np.sqrt(variance)
        norm.set_weights([gamma, beta, moved, (variance + 1e-3) * chance.uniform(0.7, 1.4, len(mean))])
        norm.momentum = 0.99
    return model


def _drawn(chance: np.random.Generator, shape: tuple[int, ...], kind: str) -> np.ndarray:
    """A kernel that keeps its input's spread, or a bias."""
    fan_in = np.prod(shape[:2] if kind == "DepthwiseConv2D" else shape[:-1])
    return chance.normal(0, 0.3 if len(shape) == 1 else (2 / fan_in) ** 0.5, shape)


def photos(px: int, n: int = 3) -> np.ndarray:
    """uint8 patches of colour under noise, (n, px, px, 3): a photo's colours differ from another's."""
    chance = np.random.default_rng(1)
    patches = chance.integers(0, 256, (n, 4, 4, 3)).repeat(px // 4 + 1, 1).repeat(px // 4 + 1, 2)[:, :px, :px]
    return np.clip(patches + chance.integers(-40, 41, (n, px, px, 3)), 0, 255).astype(np.uint8)


def logits(keras: Any, model: Any, pixels: np.ndarray, divisor: float) -> np.ndarray:
    """What Keras says before softmax, of photos divided by what the user divides by outside; (n, classes)."""
    last = model.layers[-1]
    before, last.activation = last.activation, keras.activations.linear
    with torch.no_grad():
        out = model(pixels.astype("float32") / divisor, training=False)
    last.activation = before
    return out.detach().numpy()


def ours(imported: import_keras.Imported, pixels: np.ndarray) -> np.ndarray:
    """What our network says of the same photos, by the normalisation that was read; (n, classes)."""
    scaled = (pixels / 255 - np.array(imported.normalisation.mean)) / np.array(imported.normalisation.std)
    with torch.no_grad():
        return imported.model(torch.from_numpy(scaled.astype("float32").transpose(0, 3, 1, 2))).numpy()


def config(path: Path) -> Any:
    """The description that an .h5 file holds."""
    with h5py.File(path) as h5:
        return json.loads(h5.attrs["model_config"])


def edited(source: Path, target: Path, change: Callable[[Any], Any]) -> Path:
    """An .h5 file with its description changed, in place or by what `change` gives back."""
    target.write_bytes(source.read_bytes())
    described = config(source)
    described = change(described) or described
    with h5py.File(target, "r+") as h5:
        h5.attrs["model_config"] = json.dumps(described)
    return target


def layer(described: Any, name: str) -> Any:
    """One layer of a description, wherever it stands."""
    for one in described["config"]["layers"]:
        if one["config"]["name"] == name:
            return one
        if "layers" in one["config"]:
            try:
                return layer(one, name)
            except KeyError:
                pass
    raise KeyError(name)


def as_keras_2(source: Path, target: Path) -> Path:
    """An .h5 file in the forms of Keras 2: its names of weights, of inputs and of tensors, and fewer fields."""
    kernels = {one["config"]["name"] for one in _every(config(source)) if one["class_name"] == "DepthwiseConv2D"}
    with h5py.File(source) as old, h5py.File(target, "w") as new:
        new.attrs["model_config"] = json.dumps(_forms_of_2(config(source)))
        new.attrs["keras_version"] = "2.6.0"
        for group in old["model_weights"]:
            made = new.create_group(f"model_weights/{group}")
            names = []
            for name in old["model_weights"][group].attrs["weight_names"]:
                owner, leaf = name.split("/")[-2:]
                leaf = "depthwise_kernel" if owner in kernels else leaf
                names.append(f"{owner}/{leaf}:0".encode())
                made.create_dataset(f"{owner}/{leaf}:0", data=old["model_weights"][group][name][()])
            half = len(names) // 2  # long lists are split over attributes
            made.attrs["weight_names0"], made.attrs["weight_names1"] = names[:half], names[half:]
    return target


def _every(described: Any) -> Any:
    for one in described["config"]["layers"]:
        yield one
        if "layers" in one["config"]:
            yield from _every(one)


def _forms_of_2(value: Any) -> Any:
    if isinstance(value, list):
        return [_forms_of_2(one) for one in value]
    if not isinstance(value, dict):
        return "swish" if value == "silu" else value
    if value.get("class_name") == "DTypePolicy":
        return value["config"]["name"]
    changed = {k: _forms_of_2(v) for k, v in value.items() if k not in ("module", "registered_name", "build_config")}
    if "batch_shape" in changed:
        changed["batch_input_shape"] = changed.pop("batch_shape")
    for key in ("input_layers", "output_layers"):
        if changed.get(key) and isinstance(changed[key][0], str):
            changed[key] = [changed[key]]
    if changed.get("inbound_nodes"):
        changed["inbound_nodes"] = [[[name, 0, 0, {}] for name in _taken(value["inbound_nodes"])]]
    return changed


def _taken(value: Any) -> list[str]:
    if isinstance(value, dict) and "keras_history" in value:
        return [value["keras_history"][0]]
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [name for one in inside for name in _taken(one)]
