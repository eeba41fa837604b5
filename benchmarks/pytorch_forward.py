"""Milliseconds of one picture through the network in PyTorch; benchmarks/transform.py runs it.

python benchmarks/pytorch_forward.py 224 205
"""

import sys
import time

import torch
from pytorch_network import Network

ROUNDS = 30


def main() -> None:
    crop, classes = map(int, sys.argv[1:])
    torch.manual_seed(0)
    network = Network(1.0, crop, classes).eval().to(memory_format=torch.channels_last)
    luminance = torch.rand(1, 1, crop, crop).to(memory_format=torch.channels_last)
    for name, kind in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        network, luminance = network.to(kind), luminance.to(kind)
        times = []
        with torch.inference_mode():
            for _ in range(ROUNDS):
                started = time.perf_counter()
                network(luminance)
                times.append(time.perf_counter() - started)
        print(name, 1000 * min(times))


if __name__ == "__main__":
    main()
