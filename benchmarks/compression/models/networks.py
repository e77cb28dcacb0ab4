"""Networks for pictures of clothes, [n, 1, 28, 28]: what the goals of compression call image CNN and mobile CNN."""

from __future__ import annotations

import torch
from torch import nn

CLASSES = 10


class AlexNet(nn.Module):
    """Five convolutions and three wide linear layers, which have most of its 2.3 million weights."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *(nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(64, 128, 3, padding=1), nn.ReLU()),
            *(nn.Conv2d(128, 128, 3, padding=1), nn.ReLU()),
            *(nn.Conv2d(128, 96, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        )
        self.classifier = nn.Sequential(
            *(nn.Dropout(0.3), nn.Linear(96 * 3 * 3, 1024), nn.ReLU()),
            *(nn.Dropout(0.3), nn.Linear(1024, 1024), nn.ReLU()),
            nn.Linear(1024, CLASSES),
        )

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.features(image).flatten(1))


class Residual(nn.Module):
    """Stages of residual blocks as a small ResNet has them: 0.7 million weights."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _convolution(1, 32, 1)
        blocks = (_Block(32, 32, 2), _Block(32, 64, 2), _Block(64, 128, 2), _Block(128, 128, 1))
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(128, CLASSES)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.head(self.blocks(self.stem(image)).mean((2, 3)))


class Mobile(nn.Module):
    """Depthwise separable convolutions with inverted residuals, as MobileNetV2 has them."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _convolution(1, 32, 2)
        blocks = (_Inverted(32, 32, 1), _Inverted(32, 48, 2), _Inverted(48, 48, 1), _Inverted(48, 96, 2))
        self.blocks = nn.Sequential(*blocks, _Inverted(96, 96, 1))
        self.last = _convolution(96, 256, 1, kernel=1)
        self.head = nn.Linear(256, CLASSES)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.head(self.last(self.blocks(self.stem(image))).mean((2, 3)))


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(_convolution(inputs, outputs, stride), _bare(outputs, outputs, 3, 1))
        self.beside = nn.Identity() if (inputs, stride) == (outputs, 1) else _bare(inputs, outputs, 1, stride)

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.body(value) + self.beside(value))


class _Inverted(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int, widened: int = 4) -> None:
        super().__init__()
        wide = widened * inputs
        depthwise = _convolution(wide, wide, stride, groups=wide)
        self.body = nn.Sequential(_convolution(inputs, wide, 1, kernel=1), depthwise, _bare(wide, outputs, 1, 1))
        self.kept = (inputs, stride) == (outputs, 1)

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        return value + self.body(value) if self.kept else self.body(value)


def _convolution(inputs: int, outputs: int, stride: int, kernel: int = 3, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(_bare(inputs, outputs, kernel, stride, groups), nn.ReLU())


def _bare(inputs: int, outputs: int, kernel: int, stride: int, groups: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs))
