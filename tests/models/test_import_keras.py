"""Files of Keras as our networks: the same logits as Keras gives for the same photos, and one line for all the rest."""

from __future__ import annotations

import json
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import keras_nets as nets
import numpy as np
import pytest
import torch

import forked
from secateur.errors import UserError
from secateur.models import keras_efficientnet, saved, timm_zoo
from secateur.models.build import build
from secateur.models.import_keras import read
from secateur.models.keras_layers import snake
from secateur.steps import imports

CLOSE = 1e-4  # of the largest logit

# Keras's torch backend hands tensors to NumPy in a way that NumPy 2 warns of, thousands of times.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


def torch_state() -> tuple[Any, ...]:
    return (
        torch.get_num_threads(),
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.are_deterministic_algorithms_enabled(),
        torch.is_grad_enabled(),
    )


@pytest.fixture(scope="module")
def keras(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Keras on torch. Other tests share the process: nothing of torch's is to be moved."""
    before = torch_state()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_BACKEND", "torch")
        patch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))
        import keras

        yield keras
    assert torch_state() == before


def saved_by(keras: Any, model: Any, folder: Path) -> list[Path]:
    """Both formats, the second as both releases write it."""
    files = [folder / "net.keras", folder / "net.h5"]
    for file in files:
        model.save(file)
    return [*files, nets.as_keras_2(files[1], folder / "net2.h5")]


def same(keras: Any, model: Any, folder: Path, px: int, divisor: float = 1) -> Any:
    """Asserts that every file of the model gives Keras's logits; the last one imported."""
    pixels = nets.photos(px)
    expected = nets.logits(keras, model, pixels, divisor)
    for file in saved_by(keras, model, folder):
        found = read(file)
        assert found.input_px == px and found.classes == expected.shape[1]
        difference = float(np.abs(nets.ours(found, pixels) - expected).max() / np.abs(expected).max())
        assert difference <= CLOSE, file.name
    apart = float(np.abs(expected - expected.mean(0)).max() / np.abs(expected).max())
    assert apart > 0.1, "the network says the same of all photos: agreement would show nothing"
    return found


# ---------------------------------------------------------------- what is read


def test_the_cnn_fed_with_zero_to_one(keras: Any, tmp_path: Path):
    found = same(keras, nets.cnn(keras), tmp_path, 16, divisor=255)
    assert found.backbone == "cnn"
    assert (found.normalisation.mean, found.normalisation.std) == ((0.0,) * 3, (1.0,) * 3)


def test_the_cnn_with_a_rescaling_of_its_own(keras: Any, tmp_path: Path):
    found = same(keras, nets.cnn(keras, px=17, rescaling=True), tmp_path, 17)
    assert (found.normalisation.mean, found.normalisation.std) == ((0.0,) * 3, (1.0,) * 3)


def test_the_studys_transfer_model(keras: Any, tmp_path: Path):
    found = same(keras, nets.flat(keras), tmp_path, 64)
    assert found.backbone == "tf_efficientnet_b0"
    assert found.options == {"pool": "max", "head": "study"}
    assert found.normalisation.mean == pytest.approx(nets.MEAN, rel=1e-6)
    assert found.normalisation.std == pytest.approx([v**0.5 for v in nets.VARIANCE], rel=1e-6)


def test_with_the_second_rescaling_of_later_releases(keras: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Keras builds it where it takes ImageNet weights; these are random ones from a file in their place."""
    weights = tmp_path / "imagenet.weights.h5"
    nets.body(keras).save_weights(weights)
    monkeypatch.setattr("keras.src.applications.efficientnet.file_utils.get_file", lambda *_, **__: weights)
    found = same(keras, nets.flat(keras, weights="imagenet"), tmp_path, 64)
    assert found.normalisation.mean == pytest.approx(nets.MEAN, rel=1e-6)
    assert found.normalisation.std == pytest.approx(nets.VARIANCE, rel=1e-6)  # deviations after all
    assert "2.09, 2.113, 2.108" in found.normalisation.found[2]


def test_nested_at_an_odd_size_behind_a_rescaling_of_the_users_own(keras: Any, tmp_path: Path):
    """Divided by 255 twice, as such a model was trained, and normalised for that."""
    found = same(keras, nets.nested(keras), tmp_path, 75)
    assert found.options == {"pool": "avg", "head": "study"}
    assert found.normalisation.mean == pytest.approx(nets.MEAN, rel=1e-6)
    assert found.normalisation.std == pytest.approx([v**0.5 for v in nets.VARIANCE], rel=1e-6)
    with h5py.File(tmp_path / "net2.h5", "r+") as h5:  # with Keras's own numbers, the mean stands 255 times as far away
        for where, values in (("mean:0", nets.MEAN), ("variance:0", nets.VARIANCE)):
            h5[f"model_weights/efficientnetb0/normalization/{where}"][...] = values
    found = read(tmp_path / "net2.h5")
    assert found.normalisation.mean == pytest.approx([255 * m for m in nets.MEAN], rel=1e-6)
    assert found.normalisation.std == pytest.approx([255 * v**0.5 for v in nets.VARIANCE], rel=1e-6)


def test_nested_under_a_single_dense_layer(keras: Any, tmp_path: Path):
    assert same(keras, nets.single(keras), tmp_path, 64).options == {"pool": "avg", "head": "linear"}


HEADS: dict[str, tuple[Callable[[Any, Any], Any], str, str]] = {  # above the last map, and what it is read as
    "keras.io's transfer learning": (
        lambda k, x: k.Dense(3, activation="softmax", name="pred")(
            k.Dropout(0.2)(k.BatchNormalization()(k.GlobalAveragePooling2D()(x)))
        ),
        "avg",
        "linear",
    ),
    "two dense layers, norms on either side of ReLU": (
        lambda k, x: k.Dense(3)(
            k.BatchNormalization()(
                k.Activation("relu")(
                    k.BatchNormalization()(
                        k.Dense(24, use_bias=False)(k.BatchNormalization()(k.GlobalMaxPooling2D()(x)))
                    )
                )
            )
        ),
        "max",
        "dense-24",
    ),
    "flattened": (
        lambda k, x: k.Softmax()(
            k.Dense(3)(k.Dropout(0.5)(k.ReLU()(k.Dense(16)(k.BatchNormalization()(k.Flatten()(x))))))
        ),
        "flatten",
        "dense-16",
    ),
    "flattened under one layer": (lambda k, x: k.Dense(3)(k.Flatten()(x)), "flatten", "linear"),
    "flattened after pooling": (
        lambda k, x: k.Activation("softmax", dtype="float32")(k.Dense(3)(k.Flatten()(k.GlobalAveragePooling2D()(x)))),
        "avg",
        "linear",
    ),
    "a pool that keeps its axes": (
        lambda k, x: k.Dense(3)(
            k.Dense(20, activation="relu")(k.Flatten()(k.GlobalAveragePooling2D(keepdims=True)(x)))
        ),
        "avg",
        "dense-20",
    ),
    "a norm between two activations": (
        lambda k, x: k.Dense(3)(
            k.BatchNormalization()(
                k.ReLU()(
                    k.BatchNormalization()(
                        k.ReLU()(k.Dense(16, activation="relu", use_bias=False)(k.GlobalAveragePooling2D()(x)))
                    )
                )
            )
        ),
        "avg",
        "dense-16-16-16",
    ),
    "dense on dense, and a norm of no scale": (
        lambda k, x: k.Dense(3)(k.BatchNormalization(scale=False)(k.Dense(20)(k.GlobalAveragePooling2D()(x)))),
        "avg",
        "linear",
    ),
}


@pytest.fixture(scope="module")
def inner(keras: Any) -> Any:
    """EfficientNet-B0 without a top."""
    return nets.shaken(nets.body(keras, px=64, pooling=None))


@pytest.mark.parametrize("which", HEADS)
def test_heads_as_people_write_them(keras: Any, inner: Any, tmp_path: Path, which: str):
    above, pool, head = HEADS[which]
    model = nets.topped(keras, inner, above)
    pixels = nets.photos(64)
    with torch.no_grad():
        said = model(pixels.astype("float32"), training=False).detach().numpy()
    soft = abs(float(said.sum(1).mean()) - 1) < 1e-3 and float(said.min()) >= 0
    every = which == "keras.io's transfer learning"
    model.save(tmp_path / "net.keras")
    for file in saved_by(keras, model, tmp_path) if every else [tmp_path / "net.keras"]:
        found = read(file)
        assert found.options == {"pool": pool, "head": head}
        mine = nets.ours(found, pixels)
        if soft:
            mine = np.exp(mine - mine.max(1, keepdims=True))
            mine /= mine.sum(1, keepdims=True)
        assert float(np.abs(mine - said).max() / np.abs(said).max()) <= CLOSE, file.name
    assert float(np.abs(said - said.mean(0)).max() / np.abs(said).max()) > 1e-3


@pytest.mark.parametrize(
    ("above", "said"),
    [
        (lambda k, x: k.Dense(3)(x), r"no global pooling stands before"),
        (
            lambda k, x: k.Dense(3)(k.Dense(8, activation="gelu")(k.GlobalAveragePooling2D()(x))),
            r"layer '.*' \(Activation\).*activation is gelu, expected relu",
        ),
        (
            lambda k, x: k.Dense(3)(k.ReLU(name="odd")(k.BatchNormalization()(k.GlobalAveragePooling2D()(x)))),
            r"layer 'odd' \(Activation\).*between the pooling and the first dense layer",
        ),
        (
            lambda k, x: k.Dense(3)(k.LayerNormalization(name="odd")(k.GlobalAveragePooling2D()(x))),
            r"layer 'odd' \(LayerNormalization\).*no network that can be imported",
        ),
        (
            lambda k, x: k.Dense(3)(k.Flatten()(k.MaxPooling2D(name="odd")(x))),
            r"layer 'odd' \(MaxPooling2D\).*in its place",
        ),
        (
            lambda k, x: k.Dense(3, activation="sigmoid")(k.GlobalAveragePooling2D()(x)),
            r"activation sigmoid is the last",
        ),
    ],
)
def test_heads_that_are_not_read_say_which_layer_is_to_blame(
    keras: Any, inner: Any, tmp_path: Path, above: Callable[[Any, Any], Any], said: str
):
    keras.Model(inner.input, above(keras.layers, inner.output)).save(tmp_path / "net.keras")
    with pytest.raises(UserError, match=said):
        read(tmp_path / "net.keras")


@pytest.mark.heavy
@pytest.mark.parametrize("which", ["B1", "B2", "B3", "B4", "B5", "B6", "B7"])
def test_the_other_sizes(keras: Any, tmp_path: Path, which: str):
    found = same(keras, nets.flat(keras, which), tmp_path, 64)
    assert found.backbone == f"tf_efficientnet_{which.lower()}"


@pytest.mark.parametrize(("size", "which"), keras_efficientnet.WHICH.items())
def test_sizes_are_told_by_blocks_and_filters(size: tuple[int, int], which: str):
    with torch.device("meta"):
        net: Any = timm_zoo.create(f"tf_efficientnet_{which}", 64)
    assert size == (sum(len(stage) for stage in net.blocks), net.conv_head.out_channels)


def test_class_names_as_the_archive_writes_them():
    kinds = {"Conv2D": "conv2d", "DepthwiseConv2D": "depthwise_conv2d", "BatchNormalization": "batch_normalization"}
    kinds |= {"ReLU": "re_lu", "GlobalMaxPooling2D": "global_max_pooling2d", "ZeroPadding2D": "zero_padding2d"}
    assert {kind: snake(kind) for kind in kinds} == kinds


# ---------------------------------------------------------------- what is written


@pytest.fixture(scope="module")
def small(keras: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """net.h5 and net.keras: a CNN of 16 px and five classes."""
    folder = tmp_path_factory.mktemp("small")
    saved_by(keras, nets.cnn(keras), folder)
    return folder


@pytest.fixture(scope="module")
def large(keras: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """net.h5: EfficientNet-B0 under the study's head."""
    folder = tmp_path_factory.mktemp("large")
    nets.flat(keras).save(folder / "net.h5")
    return folder / "net.h5"


def test_a_saved_model_gives_the_same_and_says_where_it_comes_from(large: Path, tmp_path: Path):
    (tmp_path / "labels.txt").write_text("cat\ndog\ncow\nhen\n")
    brought = imports.keras(large, tmp_path / "out", tmp_path / "labels.txt")
    loaded, found = saved.load(tmp_path / "out"), read(large)
    expected = found.model.state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in loaded.model.state_dict().items())
    assert loaded.labels == ("cat", "dog", "cow", "hen")
    assert loaded.preprocess["mean"] == list(found.normalisation.mean)
    assert loaded.preprocess["std"] == list(found.normalisation.std)
    assert loaded.made["from"]["file"] == "net.h5" and len(loaded.made["from"]["sha256"]) == 64
    assert "Keras 3" in loaded.made["from"]["format"]
    assert loaded.made["normalisation"] and loaded.made["licence"] == "not stated in the file"
    assert brought.parameters_keras == 4_049_571 - 7 + 1280 * 128 + 128 + 4 * 128 + 128 * 256 + 5 * 256 + 257 * 4
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_labels_must_be_as_many_as_classes(small: Path, tmp_path: Path):
    (tmp_path / "labels.json").write_text('["cat", "dog"]')
    with pytest.raises(UserError, match=r"labels.json holds 2 labels; the network of .*net.h5 has 5 classes"):
        imports.keras(small / "net.h5", tmp_path / "out", tmp_path / "labels.json")
    assert not (tmp_path / "out").exists()


def secateur(*arguments: object, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = forked.run("import", "keras", *arguments, cwd=cwd)
    assert done.returncode == code, done.stderr
    return done


def test_the_command(small: Path, tmp_path: Path):
    said = secateur(small / "net.keras", "--name", "mine", cwd=tmp_path).stdout
    params = sum(t.numel() for n, t in build("cnn", 5, 16).state_dict().items() if "tracked" not in n)
    assert f"parameters: {params:,} as Keras counts them" in said
    assert "input: 16 × 16 px" in said and "mean: 0, 0, 0\nstd: 1, 1, 1\n" in said
    assert said.endswith("written: mine\nnext: secateur inspect mine\n")
    assert saved.load(tmp_path / "mine").labels == tuple(f"class {i}" for i in range(5))
    assert "mine is there already" in secateur(small / "net.h5", "--out", "mine", cwd=tmp_path, code=2).stderr
    content = json.loads(secateur(small / "net.h5", "--json", cwd=tmp_path).stdout)
    assert content["folder"] == "net" and content["backbone"] == "cnn" and content["input_px"] == 16


# ---------------------------------------------------------------- what is refused

Change = Callable[[Any], Any]


def setting(name: str, **values: Any) -> Change:
    """A change of one layer's settings."""
    return lambda described: nets.layer(described, name)["config"].update(values)


def dropped(name: str) -> Change:
    """A Sequential network without one of its layers."""

    def change(described: Any) -> None:
        layers = described["config"]["layers"]
        layers.remove(nets.layer(described, name))

    return change


def put(place: int, kind: str, **config: Any) -> Change:
    """A Sequential network with a layer more."""
    one = {"class_name": kind, "config": {"name": "odd", **config}, "module": "keras.layers"}
    return lambda described: described["config"]["layers"].insert(place, one)


def shape(*batch_shape: int | None) -> Change:
    """A Sequential network for other photos."""
    return lambda described: described["config"]["layers"][0]["config"].update(batch_shape=batch_shape)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (put(3, "Lambda", function="4wEAAAA="), r"layer 'odd' \(Lambda\).*importing runs none"),
        (put(3, "LSTM"), r"layer 'odd' \(LSTM\).*no network that can be imported has such a layer"),
        (put(3, "PruneLowMagnitude"), r"layer 'odd'.*strip_pruning"),
        (lambda d: nets.layer(d, "conv2d").update(module="mine"), r"layer 'conv2d' \(Conv2D\).*has such a layer"),
        (
            setting("activation", activation="elu"),
            r"layer 'activation' \(Activation\).*activation is elu, expected relu",
        ),
        (setting("conv2d_1", activation="relu"), r"layer 'conv2d_1' \(Activation\).*expected BatchNormalization"),
        (setting("dense", activation={"module": "mine", "config": "f"}), r"layer 'dense'.*none of Keras's own"),
        (setting("conv2d_2", filters=63), r"layer 'conv2d_2' \(Conv2D\).*filters is 63, expected 64"),
        (setting("conv2d", kernel_size=[5, 5]), r"layer 'conv2d'.*kernel_size is \[5, 5\], expected \[3, 3\]"),
        (setting("conv2d", strides=[2, 2]), r"layer 'conv2d'.*strides is"),
        (setting("conv2d", padding="valid"), r"layer 'conv2d'.*padding is valid, expected same"),
        (setting("conv2d", dilation_rate=[2, 2]), r"layer 'conv2d'.*dilation_rate is"),
        (setting("conv2d", data_format="channels_first"), r"layer 'conv2d'.*data_format is channels_first"),
        (setting("conv2d", use_bias=False), r"layer 'conv2d'.*use_bias is False, expected True"),
        (
            setting("batch_normalization", epsilon=1e-5),
            r"layer 'batch_normalization'.*epsilon is 1e-05, expected 0.001",
        ),
        (setting("batch_normalization", axis=1), r"layer 'batch_normalization'.*axis is 1, expected 3"),
        (setting("batch_normalization", scale=False), r"layer 'batch_normalization'.*scale is False"),
        (setting("max_pooling2d", pool_size=[3, 3]), r"layer 'max_pooling2d'.*pool_size is"),
        (setting("dense", units=128), r"layer 'dense' \(Dense\).*units is 128, expected 256"),
        (
            setting("dense_1", activation="sigmoid"),
            r"layer 'dense_1'.*activation sigmoid is the last; expected a dense",
        ),
        (setting("dense_1", units=1), r"layer 'dense_1' \(Dense\).*units is 1"),
        (dropped("batch_normalization_1"), r"layer 'activation_1'.*expected BatchNormalization in its place"),
        (dropped("dense"), r"layer 'batch_normalization_6'.*expected Dense in its place"),
        (put(-1, "Dense", units=64, use_bias=True), r"layer 'odd'.*units is 64, expected 5"),
        (shape(None, 16, 17, 3), r"it takes 16 × 17 × 3; expected square"),
        (shape(None, 16, 16, 1), r"it takes 16 × 16 × 1; expected square photos of three colours"),
        (shape(None, None, None, 3), r"does not say how large its photos are"),
        (shape(None, 24, 24, 3), r"layer 'dense' \(Dense\).*weight has shape \[512, 256\], expected \[1152, 256\]"),
        (shape(None, 7, 7, 3), r"at least 8 px, got 7"),
        (
            put(1, "Rescaling", scale=2.0, offset=-1.0),
            r"layer 'odd' \(Rescaling\).*if photos come as 0 to 255 or as 0 to 1",
        ),
        (
            put(1, "Normalization", axis=[3], mean=[0, 0, 0], variance=[1, 1, 1]),
            r"layer 'odd'.*if photos come as 0 to 255 or as 0 to 1",
        ),
        (put(1, "Rescaling", scale=-0.01), r"layer 'odd' \(Rescaling\).*scale is -0.01, expected more than 0"),
        (put(1, "Rescaling", scale=[1, 2]), r"layer 'odd' \(Rescaling\).*is no number a channel"),
        (lambda d: {"class_name": "Mine", "config": {}}, r"it holds a Mine, which is no network"),
        (lambda d: {"class_name": "Sequential", "config": {}}, r"of no form that Keras writes"),
        (lambda d: ["Sequential"], r"of no form that Keras writes"),
    ],
)
def test_the_first_layer_that_does_not_fit_is_named(small: Path, tmp_path: Path, change: Change, said: str):
    file = nets.edited(small / "net.h5", tmp_path / "odd.h5", change)
    with pytest.raises(UserError, match=said) as raised:
        read(file)
    assert str(raised.value).startswith(f"{file}: ") and "\n" not in str(raised.value)


def elsewhere(name: str, *sources: str) -> Change:
    """A Functional network in which a layer takes others."""

    def change(described: Any) -> None:
        one = nets.layer(described, name)
        one["inbound_nodes"] = [[[source, 0, 0, {}] for source in sources]]

    return change


def twice(name: str) -> Change:
    return lambda described: nets.layer(described, name)["inbound_nodes"].extend([[[name, 0, 0, {}]]])


def unscaled(described: Any) -> None:
    """Without the layers that normalise."""
    names = ("rescaling", "normalization")
    layers = described["config"]["layers"]
    gone = [one for one in layers if one["config"]["name"].startswith(names)]
    for one in gone:
        layers.remove(one)
    elsewhere("stem_conv_pad", layers[0]["config"]["name"])(described)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            setting("stem_conv_pad", padding=[[1, 1], [1, 1]]),
            r"'stem_conv_pad'.*padding is .*expected \[\[0, 1\], \[0, 1\]\]",
        ),
        (setting("block3a_dwconv", kernel_size=[3, 3]), r"layer 'block3a_dwconv' \(DepthwiseConv2D\).*kernel_size"),
        (setting("block2a_se_reduce", activation="relu"), r"layer 'block2a_se_reduce'.*is relu, expected silu"),
        (setting("block2a_se_reshape", target_shape=[96, 1, 1]), r"layer 'block2a_se_reshape'.*target_shape"),
        (setting("top_conv", filters=1000), r"16 depthwise layers.* of 1000 filters: no EfficientNet B0 to B7"),
        (elsewhere("block2b_add", "block2b_drop", "block2b_expand_conv"), r"layer 'block2b_add' \(Add\).*other layers"),
        (
            elsewhere("block2b_se_excite", "block2b_activation"),
            r"layer 'block2b_se_expand'.*nothing stands behind it",
        ),
        (twice("block2b_add"), r"layer 'block2b_add' \(Add\) does not fit: it is used 2 times"),
        (elsewhere("dense_head", "max_pool", "nowhere"), r"of no form that Keras writes"),
        (setting("max_pool", keepdims=True), r"layer 'max_pool'.*keepdims is True"),
        (unscaled, r"no layer rescales its input"),
        (lambda d: d["config"]["output_layers"].clear(), r"has 0 outputs; expected one"),
    ],
)
def test_an_efficientnet_that_is_none(large: Path, tmp_path: Path, change: Change, said: str):
    dense = next(n["config"]["name"] for n in nets.config(large)["config"]["layers"] if n["class_name"] == "Dense")

    def with_a_known_name(described: Any) -> Any:
        text = json.dumps(described).replace(f'"{dense}"', '"dense_head"')
        renamed = json.loads(text)
        return change(renamed) or renamed

    with pytest.raises(UserError, match=said):
        read(nets.edited(large, tmp_path / "odd.h5", with_a_known_name))


def test_another_network_of_depthwise_layers(keras: Any, tmp_path: Path):
    net = keras.applications.MobileNetV2(weights=None, include_top=False, input_shape=(32, 32, 3), alpha=0.35)
    last = keras.layers.Dense(3)(keras.layers.GlobalAveragePooling2D()(net.output))
    keras.Model(net.input, last).save(tmp_path / "net.keras")
    with pytest.raises(UserError, match=r"layer 'Conv1_relu' \(ReLU\) does not fit: max_value is 6"):
        read(tmp_path / "net.keras")


def test_a_lambda_is_not_run(keras: Any, tmp_path: Path):
    """As Keras saves one: its bytecode lies in the file."""
    net = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Lambda(lambda x: x * 2, name="code")])
    for name in ("net.keras", "net.h5"):
        net.save(tmp_path / name)
        with pytest.raises(UserError, match=r"layer 'code' \(Lambda\) does not fit: it is code"):
            read(tmp_path / name)


@pytest.mark.parametrize("name", ["net.keras", "net.h5"])
@pytest.mark.parametrize("kept", [0.05, 0.5, 0.9, 0.999])
def test_a_torn_file(small: Path, tmp_path: Path, name: str, kept: float):
    content = (small / name).read_bytes()
    (tmp_path / name).write_bytes(content[: int(kept * len(content))])
    with pytest.raises(UserError, match="torn or no whole file") as raised:
        read(tmp_path / name)
    assert "\n" not in str(raised.value)


def test_what_is_no_file_of_keras(keras: Any, small: Path, tmp_path: Path):
    (tmp_path / "a.keras").write_text("hello")
    (tmp_path / "b.h5").write_bytes(b"")
    with zipfile.ZipFile(tmp_path / "c.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    with zipfile.ZipFile(tmp_path / "d.keras", "w") as archive:
        archive.writestr("config.json", "{")
        archive.writestr("model.weights.h5", "")
    nets.cnn(keras).save_weights(tmp_path / "e.weights.h5")
    for name, said in (
        ("a.keras", "neither a .keras archive"),
        ("b.h5", "neither a .keras archive"),
        ("c.keras", r"a zip without model\.weights\.h5"),
        ("d.keras", "its description is no JSON"),
        ("e.weights.h5", "holds weights alone"),
        ("nowhere.h5", "no such file"),
    ):
        with pytest.raises(UserError, match=said):
            read(tmp_path / name)


def broken(h5: Any, what: str) -> None:
    """One weight made wrong."""
    group = h5["model_weights/conv2d_3"]
    name = group.attrs["weight_names"][0]
    kernel = group[name][()]
    del group[name]
    match what:
        case "other shape":
            group[name] = kernel[:, :, :-1]
        case "whole numbers":
            group[name] = kernel.astype("int32")
        case "another file":
            group[name] = h5py.ExternalLink("secret.h5", "/x")
        case "another place":
            group[name] = h5py.SoftLink("/elsewhere")
        case "outside storage":
            group.create_dataset(name, kernel.shape, "float32", external=[("secret.bin", 0, kernel.nbytes)])


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("missing", "the file lacks its weights"),
        ("other shape", r"its weight has shape \[3, 3, 63, 64\], expected \[3, 3, 64, 64\]"),
        ("whole numbers", "its weight is int32, expected floats"),
        ("another file", "its weights lie in another place"),
        ("another place", "its weights lie in another place"),
        ("outside storage", "its weights lie in another file"),
    ],
)
def test_weights_that_do_not_fit(small: Path, tmp_path: Path, what: str, said: str):
    file = nets.edited(small / "net.h5", tmp_path / "odd.h5", lambda d: None)
    with h5py.File(file, "r+") as h5:
        broken(h5, what)
    with pytest.raises(UserError, match=rf"layer 'conv2d_3' \(Conv2D\) does not fit: {said}"):
        read(file)


def test_an_archive_whose_weights_are_another_layers(small: Path, tmp_path: Path):
    with zipfile.ZipFile(small / "net.keras") as source, zipfile.ZipFile(tmp_path / "odd.keras", "w") as target:
        described = json.loads(source.read("config.json"))
        nets.layer(described, "conv2d")["config"]["name"] = "first"
        target.writestr("config.json", json.dumps(described))
        target.writestr("model.weights.h5", source.read("model.weights.h5"))
    with pytest.raises(UserError, match=r"layer 'first' \(Conv2D\) does not fit: its weights are those of 'conv2d'"):
        read(tmp_path / "odd.keras")
