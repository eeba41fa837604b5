# Development runs in .venv, which `make setup` makes, the demo in a light .venv-demo. Each target
# sets up what it needs.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python

.PHONY: setup demo train-demo lint test test-quick test-slow clean

setup: $(VENV)/installed

$(VENV)/installed: requirements.txt requirements-dev.txt
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --requirement requirements-dev.txt
	touch $@

demo: .venv-demo/installed  ## color the samples with the pretrained weights
	.venv-demo/bin/python demo.py

.venv-demo/installed: requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv-demo
	.venv-demo/bin/python -m pip install --quiet . --constraint requirements.txt
	touch $@

train-demo: setup  ## train a small network on the spot, then color with it
	$(RUN) demo.py --train

lint: setup  ## style, import order and types
	$(RUN) -m ruff check .
	$(VENV)/bin/lint-imports
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

test: setup
	$(RUN) -m pytest -n 2 --dist worksteal

test-quick: setup  ## what neither trains nor colors files
	$(RUN) -m pytest -n 2 tests/test_config.py tests/test_pages.py \
		tests/pictures tests/network/test_build_model.py tests/coloring/test_smoothing.py tests/evaluation/test_metrics.py \
		tests/records/test_read_input.py::test_the_script_takes_the_settings_that_batches_use

test-slow: setup  ## deep checks that take minutes
	$(RUN) -m pytest -m slow

clean:
	rm -rf demo build $(VENV) .venv-demo
