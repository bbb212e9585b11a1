# Two commands do everything:  make study · make test
PYTHON ?= python3.11
ifeq ($(shell command -v $(PYTHON)),)
PYTHON := python3
endif
BIN := .venv/bin
# Where torch comes from; empty: where everything else does. The README names PyTorch's own index for machines whose
# usual torch is the CUDA build, gigabytes large.
TORCH_INDEX ?=
# More words for `secateur study`.
FLAGS ?=

.PHONY: install study test test-all lint docs format clean

install: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	test -x $(BIN)/pip || $(PYTHON) -m venv .venv || \
		{ rm -rf .venv; echo "no virtual environment could be made; on Debian: apt install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --upgrade pip
	test -z "$(TORCH_INDEX)" || $(BIN)/python -m pip install --quiet --constraint constraints.txt \
		--index-url $(TORCH_INDEX) torch torchvision
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --editable '.[dev]'
	touch .venv/installed

study: install  ## the embedded study: drawn animals, a few minutes; prints where the report is
	$(BIN)/secateur study demo --jobs 2 $(FLAGS)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: install  ## lint, types beside tests; about twelve minutes on two cores
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy & types=$$!; $(BIN)/pytest; tests=$$?; wait $$types && exit $$tests

test-all: lint  ## the heavy tests too
	$(BIN)/pytest -m 'heavy or not heavy'

docs: install  ## the documentation site, warnings as errors; build/docs/index.html
	$(BIN)/sphinx-build -W --keep-going --jobs 2 -b html docs build/docs

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache
