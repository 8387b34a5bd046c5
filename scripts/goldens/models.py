# SPDX-License-Identifier: Apache-2.0
"""Goldens for tests/models/parity_test.cpp: torchvision's ResNet-34, ResNet-50 and RetinaNet R50-FPN on weights and
inputs made by Philox, and for fpn_parity_test.cpp its pyramid whose P6 is made from C5. Weights are not stored: of every result its norm, three random projections and 16 values are.

usage: python3 scripts/goldens/models.py [tests/goldens]   (torch and torchvision from PyPI)
"""
import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from torchvision.models.detection.retinanet import RetinaNet
from torchvision.models.detection.backbone_utils import _resnet_fpn_extractor
from torchvision.ops import FrozenBatchNorm2d
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

from golden import SEED, laid, real, run
from philox import Random

LABELS = 14


def parity_values(name, shape):
    """The rule that tests/models/parity.h has in C++: by the end of the name and the rank."""
    n = int(np.prod(shape)) if len(shape) else 1
    u = Random(SEED, name).uniform(n)
    s = 2.0 * u - 1.0
    if name.endswith('running_var') or (name.endswith('weight') and len(shape) == 1):
        v = 0.75 + 0.5 * u
    elif name.endswith('cls_logits.bias'):
        v = -3.0 + 0.1 * s
    elif name.endswith(('bias', 'running_mean')):
        v = 0.1 * s
    else:
        fan_in = int(np.prod(shape[1:]))
        gain = 0.15 if 'cls_logits' in name else 0.05 if 'bbox_' in name else 0.8
        v = gain * np.sqrt(6.0 / fan_in) * s
    return v.astype(np.float32).reshape(shape)


def fill(model):
    """In torch's default dtype."""
    state = model.state_dict()
    for name, t in state.items():
        if not name.endswith('num_batches_tracked'):
            state[name] = torch.from_numpy(parity_values(name, tuple(t.shape)))
    model.load_state_dict(state)
    return laid(model.to(torch.get_default_dtype()))


def picture(name, shape):
    u = Random(SEED, name).uniform(int(np.prod(shape)))
    return laid(real((3.0 * u - 1.5).astype(np.float32).reshape(shape)))


def cawe(golden, key, features, fc, pool):
    """Eq. 1 and 2 by autograd on features (N, K, h, w)."""
    f = features.detach().requires_grad_(True)
    z = fc(pool(f).flatten(1))
    p = z.sigmoid()
    active = p.detach() >= 0.5
    assert active.any(1).all()
    g = torch.autograd.grad((p * active).sum(), f)[0]
    w = F.relu(g).mean((2, 3))
    golden.tensor(key + '.weights', w)
    golden.tensor(key + '.map', F.relu((w[:, :, None, None] * f).sum(1, keepdim=True)))


def features_of(m, x):
    x = m.maxpool(m.relu(m.bn1(m.conv1(x))))
    out = []
    for layer in (m.layer1, m.layer2, m.layer3, m.layer4):
        x = layer(x)
        out.append(x)
    return out


def classifier(golden, key, model, shape, training, watched):
    fill(model).train(training)
    x = picture(key + '.input', shape)
    c = features_of(model, x)
    for i, t in enumerate(c):
        golden.tensor('%s.c%d' % (key, i + 2), t)
    logits = model.fc(model.avgpool(c[-1]).flatten(1))
    golden.tensor(key + '.logits', logits)
    target = real(Random(SEED, key + '.target').uniform(logits.numel()) >= 0.5)
    loss = F.binary_cross_entropy_with_logits(logits, target.reshape(logits.shape))
    golden.numbers(key + '.loss', [loss.item()])
    loss.backward()
    params = dict(model.named_parameters())
    for name in watched:
        golden.tensor('%s.grad.%s' % (key, name), params[name].grad)
    if training:
        for name in ('bn1.running_mean', 'layer4.2.bn2.running_var'):
            golden.tensor('%s.%s' % (key, name), model.state_dict()[name])
    else:
        cawe(golden, key + '.cawe', c[-1], model.fc, model.avgpool)


def make_resnet34(g):
    classifier(g, 'resnet34', torchvision.models.resnet34(num_classes=LABELS), (2, 3, 128, 160), True,
               ['conv1.weight', 'bn1.weight', 'layer1.0.conv1.weight', 'layer2.0.downsample.0.weight',
                'layer3.5.conv2.weight', 'layer4.2.bn2.bias', 'fc.weight', 'fc.bias'])


def make_resnet50(g):
    watched = ['conv1.weight', 'layer1.0.downsample.1.weight', 'layer2.0.conv2.weight', 'layer3.5.conv3.weight',
               'layer4.0.conv1.weight', 'layer4.2.bn3.bias', 'fc.weight', 'fc.bias']
    classifier(g, 'resnet50', torchvision.models.resnet50(num_classes=LABELS), (2, 3, 128, 160), False, watched)
    for stride, replace in ((16, [False, False, True]), (8, [False, True, True])):
        m = torchvision.models.resnet50(num_classes=LABELS, replace_stride_with_dilation=replace)
        classifier(g, 'resnet50_stride%d' % stride, m, (1, 3, 96, 128), False, watched)


def retinanet(g, key, shape, boxes, detections):
    body = torchvision.models.resnet50(weights=None, norm_layer=FrozenBatchNorm2d)
    backbone = _resnet_fpn_extractor(body, 3, returned_layers=[2, 3, 4], extra_blocks=LastLevelP6P7(256, 256))
    model = RetinaNet(backbone, num_classes=3, min_size=shape[2], max_size=shape[3], image_mean=[0, 0, 0],
                      image_std=[1, 1, 1], score_thresh=0.05, detections_per_img=100)
    fill(model)
    x = picture(key + '.input', shape)
    targets = [{'boxes': torch.tensor(boxes), 'labels': torch.tensor([0, 2, 1])},
               {'boxes': torch.zeros(0, 4), 'labels': torch.zeros(0, dtype=torch.int64)}]
    model.train()
    losses = model(list(x), targets)
    g.numbers(key + '.losses', [losses['classification'].item(), losses['bbox_regression'].item()])
    (losses['classification'] + losses['bbox_regression']).backward()
    params = dict(model.named_parameters())
    for name in ('backbone.body.layer2.0.conv1.weight', 'backbone.body.layer4.2.conv3.weight',
                 'backbone.fpn.inner_blocks.0.0.weight', 'backbone.fpn.layer_blocks.2.0.bias',
                 'backbone.fpn.extra_blocks.p6.weight', 'backbone.fpn.extra_blocks.p7.weight',
                 'head.classification_head.conv.0.0.weight', 'head.classification_head.cls_logits.weight',
                 'head.classification_head.cls_logits.bias', 'head.regression_head.conv.3.0.bias',
                 'head.regression_head.bbox_reg.weight'):
        g.tensor(key + '.grad.' + name, params[name].grad)
    frozen = [n for n, p in params.items() if not p.requires_grad]
    assert frozen and all('conv1' in n or 'layer1' in n for n in frozen), frozen
    model.eval()
    with torch.no_grad():
        levels = model.backbone(x)
        for i, t in enumerate(levels.values()):
            g.tensor('%s.p%d' % (key, i + 3), t)
        raw = model.head(list(levels.values()))
        g.tensor(key + '.logits', raw['cls_logits'])
        g.tensor(key + '.deltas', raw['bbox_regression'])
        if detections:
            g.detections(key, detection_rows(model(list(x)), 50, 0))


def detection_rows(images, least, background):
    """[image, box, score, label] of each; labels count foreground classes from 0."""
    rows = []
    for i, d in enumerate(images):
        assert len(d['scores']) >= least
        rows += [[i, *box, score, label - background]
                 for box, score, label in zip(d['boxes'].tolist(), d['scores'].tolist(), d['labels'].tolist())]
    return rows


def make_retinanet(g):
    retinanet(g, 'retinanet', (2, 3, 224, 256),
              [[20.5, 30.25, 90.0, 120.5], [100.0, 40.0, 230.0, 200.0], [5.0, 150.0, 40.0, 190.0]], True)
    # For float64 in plain loops, where the large one would take minutes.
    retinanet(g, 'retinanet_small', (2, 3, 96, 128),
              [[20.5, 30.25, 60.0, 90.5], [30.0, 10.0, 120.0, 80.0], [5.0, 50.0, 40.0, 90.0]], False)


class P6FromC5(torch.nn.Module):
    """torchvision's pyramid with RetinaNet's names around it."""

    def __init__(self, maps, channels):
        super().__init__()
        self.fpn = torchvision.ops.FeaturePyramidNetwork(maps, channels, extra_blocks=LastLevelP6P7(maps[-1], channels))
        assert not self.fpn.extra_blocks.use_P5

    def forward(self, maps):
        return list(self.fpn({str(i): m for i, m in enumerate(maps)}).values())


def make_fpn_c5(g):
    """P6 = conv3x3/2(C5), P7 = conv3x3/2(ReLU(P6)): Lin et al. 2017, arXiv 1708.02002, footnote of section 4."""
    body = torchvision.models.resnet50(weights=None, norm_layer=FrozenBatchNorm2d)
    backbone = _resnet_fpn_extractor(body, 5, returned_layers=[2, 3, 4], extra_blocks=LastLevelP6P7(2048, 256))
    whole = RetinaNet(backbone, num_classes=1)
    assert sum(p.numel() for p in whole.parameters()) == 36276717, sum(p.numel() for p in whole.parameters())
    model = fill(P6FromC5([24, 40, 56], 16))
    maps = [picture('fpn_c5.c%d' % (i + 3), (2, c, 20 >> i, 28 >> i)).requires_grad_() for i, c in enumerate((24, 40, 56))]
    levels = model(maps)
    for i, t in enumerate(levels):
        g.tensor('fpn_c5.p%d' % (i + 3), t)
    sum((t * t).mean() for t in levels).backward()
    params = dict(model.named_parameters())
    for name in ('fpn.inner_blocks.2.0.weight', 'fpn.layer_blocks.2.0.bias', 'fpn.extra_blocks.p6.weight',
                 'fpn.extra_blocks.p6.bias', 'fpn.extra_blocks.p7.weight'):
        g.tensor('fpn_c5.grad.' + name, params[name].grad)
    for i, m in enumerate(maps):
        g.tensor('fpn_c5.grad.c%d' % (i + 3), m.grad)


if __name__ == '__main__':
    run({'fpn_c5.txt': make_fpn_c5,
         'resnet34.txt': make_resnet34, 'resnet50.txt': make_resnet50, 'retinanet.txt': make_retinanet})
