# Development runs in .venv, which `make setup` makes, the demo in a light .venv-demo. Each target
# sets up what it needs.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python

.PHONY: setup demo train-demo lint test test-quick test-slow clean page serve test-page

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

page: setup  ## the page: dist/page/ for any static host, dist/colorize.html in one file
	$(RUN) model_export.py colornet/weights dist/network --kind web
	cd web && npm ci --silent && node build.mjs ../dist/network ../dist

serve: page
	$(RUN) -m http.server 8000 --bind 127.0.0.1 --directory dist/page

test-page: page  ## the page in Chromium
	$(RUN) -m pip install --quiet --requirement tests/page/requirements.txt
	$(RUN) -m pytest tests/page

clean:
	rm -rf demo build dist web/node_modules $(VENV) .venv-demo
