"""The same network and training step in PyTorch, timed on request; benchmarks/training.py runs it.

    python -m pip install torch        # in an environment of its own: only this needs it

Reads numbers of steps from standard input, and answers each with the seconds they took.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional

UP = "up"
LOW_LEVEL = [(64, 2), (128, 1), (128, 2), (256, 1), (256, 2), (512, 1)]
GLOBAL = [(512, 2), (512, 1), (512, 2), (512, 1)]
DENSE = [1024, 512, 256]
MID_LEVEL = [(512, 1), (256, 1)]
COLORIZATION = [(128, 1), UP, (64, 1), (64, 1), UP, (32, 1)]


class Network(nn.Module):
    def __init__(self, width: float, crop: int, classes: int) -> None:
        super().__init__()

        def channels(outputs: int) -> int:
            return max(1, round(outputs * width))

        def convolutions(inputs: int, table: Sequence[Any]) -> nn.Sequential:
            layers = []
            for row in table:
                if row == UP:
                    layers.append(nn.Upsample(scale_factor=2, mode="nearest"))
                    continue
                outputs, stride = channels(row[0]), row[1]
                layers += [
                    nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
                    nn.BatchNorm2d(outputs),
                    nn.ReLU(inplace=True),
                ]
                inputs = outputs
            return nn.Sequential(*layers)

        def dense(inputs: int, outputs: int) -> nn.Sequential:
            return nn.Sequential(
                nn.Linear(inputs, outputs, bias=False),
                nn.BatchNorm1d(outputs),
                nn.ReLU(inplace=True),
            )

        self.low = convolutions(1, LOW_LEVEL)
        self.mid = convolutions(channels(512), MID_LEVEL)
        self.wide_path = convolutions(channels(512), GLOBAL)
        first, second, third = map(channels, DENSE)
        side = -(-crop // 32)
        self.wide = nn.Sequential(
            nn.Flatten(), dense(channels(512) * side * side, first), dense(first, second)
        )
        self.narrow = dense(second, third)
        self.classifier = nn.Sequential(
            dense(second, channels(256)), nn.Linear(channels(256), classes)
        )
        fused = channels(256)
        self.fusion_mid = nn.Conv2d(fused, fused, 1, bias=False)
        self.fusion_global = nn.Linear(third, fused, bias=False)
        self.fusion_norm = nn.BatchNorm2d(fused)
        self.colorization = convolutions(fused, COLORIZATION)
        self.chrominance = nn.Conv2d(channels(32), 2, 3, 1, 1)

    def forward(self, luminance: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        low = self.low(luminance)
        wide = self.wide(self.wide_path(low))
        fused = self.fusion_mid(self.mid(low))
        fused = fused + self.fusion_global(self.narrow(wide))[:, :, None, None]
        fused = functional.relu(self.fusion_norm(fused), inplace=True)
        return torch.sigmoid(self.chrominance(self.colorization(fused))), self.classifier(wide)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    for name in ("batch", "crop", "classes"):
        arguments.add_argument(f"--{name}", type=int, required=True)
    arguments.add_argument("--width", type=float, required=True)
    arguments.add_argument("--optimizer", choices=("adam", "adadelta"), required=True)
    arguments.add_argument("--bfloat16", action="store_true")
    options = arguments.parse_args()
    torch.manual_seed(0)
    network = Network(options.width, options.crop, options.classes)
    network = network.to(memory_format=torch.channels_last)
    count = sum(parameter.numel() for parameter in network.parameters())
    if options.optimizer == "adam":
        optimizer = torch.optim.Adam(network.parameters(), 1e-3, fused=True)
    else:
        optimizer = torch.optim.Adadelta(network.parameters(), 1.0, foreach=True)
    luminance = torch.rand(options.batch, 1, options.crop, options.crop)
    luminance = luminance.to(memory_format=torch.channels_last)
    chrominance = torch.rand(options.batch, 2, options.crop // 2, options.crop // 2)
    chrominance = chrominance.to(memory_format=torch.channels_last)
    label = torch.zeros(options.batch, dtype=torch.long)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=options.bfloat16):
            color, logits = network(luminance)
        loss = functional.mse_loss(color.float(), chrominance)
        (loss + functional.cross_entropy(logits.float(), label) / 300).backward()
        optimizer.step()

    step()
    print(count, flush=True)
    for line in sys.stdin:
        started = time.perf_counter()
        for _ in range(int(line)):
            step()
        print(time.perf_counter() - started, flush=True)


if __name__ == "__main__":
    main()
