"""What networks and methods are called for people; pure. The long ids are for machines, and stay in the JSON.

An id spells out every choice, so that no two experiments share one: 'filter-random-global-like-filter-taylor'. A name
says what a reader has to tell apart: "random, same widths". It takes in as much of the id as it needs to be the only
one of its report, and always what the percentage is a percentage of. Ids are read from their own words alone: a kept
report may speak of a method whose package is not installed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from secateur import catalogue
from secateur.methods import OWN
from secateur.report.formats import NARROW

MOST = 4  # levels of detail; the last is the id itself
INT8 = "-int8"
SHAPES = {
    "scratch": "from scratch, same shape",
    "narrow": "narrow network as fast",
    "dense-as-small-as": "narrow network as small",
}
UNITS = {
    "head": "of head",
    "backbone": "of backbone",
    "macs": "of MACs",
    "params": "of parameters",
    "latency": "of time",
}
_SHAPE = re.compile(rf"({'|'.join(SHAPES)})-(.+)")
_STAGE = re.compile(r"-(0?\.\d+)\+")  # between the stages of a chain
_RECIPES = "|".join(re.escape(row.name) for row in catalogue.RECIPES)
_WORDS = re.compile(  # what a choice adds to its method's name, in the order of `MethodChoice.id` and `arms.arm_id`
    r"(?:-(?P<part>head|backbone))?(?:-(?P<measure>macs|params|latency))?(?:-x(?P<multiple>\d+|auto))?"
    r"(?:-(?P<scope>layer|global|row|block|erk|sensitivity))?(?:-(?P<begins>dense|init|slimmed|lassoed))?"
    r"(?:-like-(?P<like>.+?))?(?:-normalise-(?P<normalise>group|none))?(?:-(?P<units>units))?"
    rf"(?:-spare-(?P<spare>.+?))?(?:-(?P<recipe>{_RECIPES}))?"
)
_KNOWN = sorted((row.name for row in OWN), key=len, reverse=True)  # "magnitude-gradual" before "magnitude"


@dataclass(frozen=True, slots=True)
class _Method:
    """An id, taken apart."""

    name: str  # "filter-taylor"
    like: str = ""  # of a control: the method whose layers it takes
    options: tuple[str, ...] = ()
    unit: str = ""  # what its percentages are of, where that is not simply its weights or filters


def short_names(configs: Iterable[str]) -> Mapping[str, str]:
    """Configuration ('cnn/filter-l1/0.5') → its name ("filter-l1 50 %"), each another one. Where there are several
    backbones, theirs stands first. Configurations that are none keep their own words."""
    return _short_names(tuple(dict.fromkeys(configs)))


@lru_cache(maxsize=64)
def _short_names(configs: tuple[str, ...]) -> Mapping[str, str]:
    several = len({_parts(c)[0] for c in configs} - {""}) > 1
    labels = _methods(tuple(dict.fromkeys(_parts(c)[1] for c in configs)))
    own = {c: _named(c, labels, several) for c in configs}
    return _only(own)


def short_methods(methods: Iterable[str]) -> Mapping[str, str]:
    """Method of a configuration ('filter-random-global-like-filter-taylor') → its name ("random, same widths"), each
    another one."""
    found = _methods(tuple(dict.fromkeys(methods)))
    return _only({id: _joined(label, f"({unit})" if unit else "") for id, (label, unit) in found.items()})


def shortened(titles: Mapping[str, str], methods: Iterable[str] = ()) -> Callable[[str], str]:
    """Sentences in which networks and methods go by their long ids → the same in short names.

    `titles`: configuration → what the sentences call it; `methods`: further ids that stand in them by themselves. Only
    what was cut is looked for: "the dense network" is no id. Of which backbone a sentence speaks, it says itself.
    """
    names = short_names(f"any/{config.partition('/')[2]}" for config in titles)
    own = short_methods([*(_parts(c)[1] for c in titles if _parts(c)[2]), *methods])
    said = {id: label for id, label in own.items() if id and label != id}
    cut = {config: title for config, title in titles.items() if _parts(config)[2] and title}
    said |= {_unspaced(title): names[f"any/{config.partition('/')[2]}"] for config, title in cut.items()}
    if not said:
        return lambda text: text
    longest = "|".join(re.escape(words) for words in sorted(said, key=len, reverse=True)).replace("%", f"[ {NARROW}]?%")
    found = re.compile(rf"(?<![\w/+-])(?:{longest})(?![\w/+-])")
    return lambda text: found.sub(lambda m: said[_unspaced(m[0])], text)


def _unspaced(title: str) -> str:
    """Whatever space stands before the "%"."""
    return re.sub(rf"[ {NARROW}]%", "%", title)


def _only(names: dict[str, str]) -> dict[str, str]:
    """What still has another's name keeps its id."""
    count = {name: list(names.values()).count(name) for name in set(names.values())}
    return {id: name if count[name] == 1 else id for id, name in names.items()}


def _parts(config: str) -> tuple[str, str, str]:
    """(backbone, method or kind of dense network, target)."""
    backbone, _, rest = config.partition("/")
    method, _, target = rest.partition("/")
    return (backbone, method, target) if rest else ("", config, "")


def _named(config: str, labels: Mapping[str, tuple[str, str]], several: bool) -> str:
    backbone, method, target = _parts(config)
    label, unit = labels[method]
    return _joined(f"{backbone} {label}" if several and backbone else label, _percent(target) if target else "", unit)


def _joined(label: str, *words: str) -> str:
    """INT8 is said last."""
    bare, last = label.removesuffix(" INT8"), ["INT8"] if label.endswith(" INT8") else []
    return " ".join([bare, *(word for word in words if word), *last])


def _percent(target: str) -> str:
    """'0.315' → '31.5 %', with a space that no line breaks at."""
    try:
        return f"{100 * float(target):g}{NARROW}%"
    except ValueError:
        return target


@lru_cache(maxsize=64)
def _methods(methods: tuple[str, ...]) -> Mapping[str, tuple[str, str]]:
    """Id → (label, unit), each pair once: whatever shares its label says more, and more, until it does not."""
    levels = dict.fromkeys(methods, 0)
    while True:
        labels = {m: _label(m, levels[m]) for m in methods}
        held: dict[tuple[str, str], list[str]] = {}
        for m, label in labels.items():
            held.setdefault(label, []).append(m)
        vague = [m for same in held.values() if len(same) > 1 for m in same if levels[m] < MOST]
        if not vague:
            return labels
        levels |= {m: levels[m] + 1 for m in vague}


def _label(method: str, level: int) -> tuple[str, str]:
    """(label, unit) of a method's id or a dense network's kind; the higher the level, the more of it is said."""
    bare, last = method.removesuffix(INT8), " INT8" if method.endswith(INT8) else ""
    if level >= MOST:
        return method, ""
    if method == "int8":  # the method of a dense network's INT8 file
        return "dense INT8", ""
    shape = _SHAPE.fullmatch(bare)
    if shape:
        kind, of = SHAPES[shape[1]], _label(shape[2], level - 1)[0]
        return (f"{kind} as {of}" if level else kind) + last, ""
    if re.match(r"(dense|frozen|initial)\b", bare):
        return re.sub(r"(\d)px\b", r"\1 px", bare.replace("-", " ")) + last, ""
    stages = _STAGE.split(bare)
    said = [_stage(id, level) for id in stages[::2]]
    for i, target in enumerate(stages[1::2]):
        label, unit = said[i]
        said[i] = (_joined(label, _percent(target), unit), "")
    return " + ".join(label for label, _ in said) + last, said[-1][1]


def _stage(id: str, level: int) -> tuple[str, str]:
    found = _taken_apart(id)
    label, filters = found.name, found.name.startswith("filter-")
    if found.like:
        same = "widths" if filters else "sparsities"
        label = f"random, {same} of {found.like}" if level else f"random, same {same}"
    if level > 1 and found.options:
        label += ", " + ", ".join(found.options) if found.like else " " + " ".join(found.options)
    return label, found.unit


@lru_cache(maxsize=1024)
def _taken_apart(id: str) -> _Method:
    """What an id is made of; one that is not understood is a name as it stands."""
    name = next((n for n in _KNOWN if id == n or id.startswith(f"{n}-")), "")
    words = _WORDS.fullmatch(id[len(name) :]) if name else re.fullmatch(r"(?P<own>.+?)" + _WORDS.pattern, id)
    if words is None:
        return _Method(id)
    said = {key: value for key, value in words.groupdict().items() if value}
    unit = " ".join(UNITS[said[key]] for key in ("measure", "part") if key in said)
    options = [said[key] for key in ("scope", "begins") if key in said]
    options += [f"multiples of {said['multiple']}"] if "multiple" in said else []
    options += [f"normalise {said['normalise']}"] if "normalise" in said else []
    options += [said[key] for key in ("units",) if key in said]
    options += [f"spares {said['spare'].replace('+', ', ')}"] if "spare" in said else []
    options += [said["recipe"]] if "recipe" in said else []
    return _Method(name or said["own"], said.get("like", ""), tuple(options), unit)
