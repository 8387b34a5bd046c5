# SPDX-License-Identifier: Apache-2.0
"""Goldens for tests/models/cawe_test.cpp: Grad-CAM, HiResCAM and LayerCAM of pytorch-grad-cam, for the sum of the logits
of each image's active labels. Two networks on Philox's weights: torchvision's ResNet-18, whose head pools F, so that all
cells of a channel have one gradient, and a small one whose head is a convolution before the pooling, so that they differ.

KEY.METHOD.raw is the map at F's size; KEY.METHOD.map is what the package returns, which it makes in float32.

usage: python3 scripts/goldens/cam.py [tests/goldens]   (torch, torchvision and grad-cam from PyPI)
"""
import numpy as np
import torch
import torchvision
from pytorch_grad_cam import GradCAM, HiResCAM, LayerCAM

from golden import run
from models import LABELS, fill, picture

METHODS = {'gradcam': GradCAM, 'hirescam': HiResCAM, 'layercam': LayerCAM}


class Small(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(3, 6, 3, 2, 1)
        self.conv2 = torch.nn.Conv2d(6, 8, 3, 1, 1)
        self.fc = torch.nn.Linear(8, 5)
        self.features = torch.nn.ReLU()

    def forward(self, x):
        return self.fc(torch.relu(self.conv2(self.features(self.conv1(x)))).mean((2, 3)))


class Active:
    """The sum of the active labels' logits of one image."""

    def __init__(self, logits):
        self.labels = torch.nonzero(logits.sigmoid() >= 0.5)[:, 0]
        assert 0 < len(self.labels) < len(logits)

    def __call__(self, logits):
        return logits[self.labels].sum()


def maps(golden, key, model, layer, shape):
    fill(model).eval()
    x = picture(key + '.input', shape)
    with torch.no_grad():
        targets = [Active(logits) for logits in model(x)]
    golden.numbers(key + '.active', [len(t.labels) for t in targets])
    for name, method in METHODS.items():
        with method(model, [layer]) as cam:
            final = cam(x, targets)
            features = cam.activations_and_grads.activations[0].numpy()
            slopes = cam.activations_and_grads.gradients[0].numpy()
            raw = np.maximum(cam.get_cam_image(x, layer, targets, features, slopes, False), 0)
        assert (raw.reshape(len(raw), -1).max(1) > 1e-3).all(), 'an empty map says little'
        golden.tensor('%s.%s.raw' % (key, name), torch.from_numpy(raw))
        golden.tensor('%s.%s.map' % (key, name), torch.from_numpy(final))


def make(golden):
    resnet = torchvision.models.resnet18(num_classes=LABELS)
    maps(golden, 'cam_resnet18', resnet, resnet.layer4[-1], (3, 3, 96, 128))
    small = Small()
    maps(golden, 'cam_small', small, small.features, (3, 3, 20, 24))


if __name__ == '__main__':
    run({'cam.txt': make})
