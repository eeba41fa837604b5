# Everything runs in .venv, which `make setup` makes; each target sets up what it needs.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python

.PHONY: setup demo train-demo test test-slow clean

setup: $(VENV)/installed

$(VENV)/installed: requirements.txt requirements-dev.txt
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --requirement requirements-dev.txt
	touch $@

demo: setup  ## colour photographs with the weights that ship
	$(RUN) demo.py

train-demo: setup  ## train a small network on the spot, then colour with it
	$(RUN) demo.py --train

test: setup
	$(RUN) -m pytest

test-slow: setup  ## deep checks that take minutes
	$(RUN) -m pytest -m slow

clean:
	rm -rf demo $(VENV)
