# SPDX-License-Identifier: Apache-2.0
"""The steps of bench/ in PyTorch, for scripts/bench: channels-last, f32, oneDNN; eager or compiled.

usage: python3 scripts/peer/torch_steps.py CASE MODE THREADS COUNT
  CASE: resnet50-training, resnet50-inference; retinanet-, faster_rcnn- with training or inference;
        narrow_retinanet-training, narrow_faster_rcnn-training
  MODE: eager or compile
Prints one JSON line: milliseconds of each step after the warm-up. Needs torch and torchvision.
"""
import json
import resource
import sys
import time

import torch
import torch.nn.functional as F
import torchvision
from torchvision.models.detection import FasterRCNN, RetinaNet
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.retinanet import RetinaNetHead
from torchvision.ops import MultiScaleRoIAlign
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

CL = torch.channels_last


def retinanet(narrow):
    if not narrow:
        body = torchvision.models.resnet50(weights=None)
        layers = {'layer2': '0', 'layer3': '1', 'layer4': '2'}
        backbone = BackboneWithFPN(body, layers, [512, 1024, 2048], 256, extra_blocks=LastLevelP6P7(256, 256))
        return RetinaNet(backbone, num_classes=1, min_size=512, max_size=512)
    body = torchvision.models.ResNet(torchvision.models.resnet.BasicBlock, [2, 2, 2, 2])
    quarter(body)
    backbone = BackboneWithFPN(body, {'layer2': '0', 'layer3': '1', 'layer4': '2'}, [32, 64, 128], 64, extra_blocks=LastLevelP6P7(64, 64))
    sizes = tuple(tuple(int(12 * 2 ** i * k) for k in (1, 1.26, 1.59)) for i in range(5))
    anchors = AnchorGenerator(sizes, ((0.5, 1.0, 2.0),) * 5)
    head = RetinaNetHead(64, 9, 1)
    for part in (head.classification_head, head.regression_head):  # towers of two convolutions
        part.conv = torch.nn.Sequential(*list(part.conv)[:2])
    return RetinaNet(backbone, num_classes=1, min_size=128, max_size=128, anchor_generator=anchors, head=head)


def faster_rcnn(narrow):
    layers = {'layer%d' % (i + 1): str(i) for i in range(4)}
    if not narrow:
        backbone = BackboneWithFPN(torchvision.models.resnet50(weights=None), layers, [256, 512, 1024, 2048], 256)
        return FasterRCNN(backbone, num_classes=2, min_size=512, max_size=512, box_batch_size_per_image=128)
    body = torchvision.models.ResNet(torchvision.models.resnet.BasicBlock, [2, 2, 2, 2])
    quarter(body)
    anchors = AnchorGenerator(((10,), (18,), (34,), (64,), (110,)), ((0.5, 1.0, 2.0),) * 5)
    pool = MultiScaleRoIAlign(['0', '1', '2', '3'], 7, 2, canonical_scale=56)
    return FasterRCNN(BackboneWithFPN(body, layers, [16, 32, 64, 128], 64), min_size=128, max_size=128, rpn_anchor_generator=anchors,
                      rpn_pre_nms_top_n_train=100, rpn_post_nms_top_n_train=50, rpn_batch_size_per_image=128, box_roi_pool=pool,
                      box_head=TwoMLPHead(64 * 49, 256), box_predictor=FastRCNNPredictor(256, 2), box_batch_size_per_image=32)


def quarter(body):
    """All widths of a ResNet-18 by four."""
    for name, m in list(body.named_modules()):
        if isinstance(m, torch.nn.Conv2d):
            new = torch.nn.Conv2d(m.in_channels // 4 if m.in_channels > 3 else 3, m.out_channels // 4, m.kernel_size, m.stride, m.padding, bias=False)
        elif isinstance(m, torch.nn.BatchNorm2d):
            new = torch.nn.BatchNorm2d(m.num_features // 4)
        else:
            continue
        parent = body.get_submodule(name.rpartition('.')[0])
        setattr(parent, name.rpartition('.')[2], new)


def resnet_steps(training, compiled):
    net = torchvision.models.resnet50(num_classes=14).to(memory_format=CL)
    x = torch.rand(8, 3, 224, 224).to(memory_format=CL)
    t = torch.zeros(8, 14)
    optimizer = torch.optim.SGD(net.parameters(), 0.01, 0.9)
    run = torch.compile(net) if compiled else net

    def train():
        optimizer.zero_grad()
        F.binary_cross_entropy_with_logits(run(x), t).backward()
        optimizer.step()

    def infer():
        with torch.no_grad():
            run(x)

    net.train(training)
    return train if training else infer


def detector_steps(make, training, narrow, compiled):
    net = make(narrow).to(memory_format=CL)
    side, batch = (128, 8) if narrow else (512, 2)
    images = list(torch.rand(batch, 3, side, side))
    boxes = torch.tensor([[20., 30., 50., 64.], [70., 60., 100., 84.]]) if narrow else torch.tensor([[100., 120., 220., 260.]])
    targets = [{'boxes': boxes, 'labels': torch.full((len(boxes),), int(make is faster_rcnn))} for _ in images]
    optimizer = torch.optim.AdamW(net.parameters(), 1e-3, weight_decay=0.01) if narrow else torch.optim.SGD(net.parameters(), 0.01, 0.9)
    if compiled:
        net.backbone = torch.compile(net.backbone)
        if make is retinanet:
            net.head = torch.compile(net.head)

    def train():
        optimizer.zero_grad()
        sum(net(images, targets).values()).backward()
        optimizer.step()

    def infer():
        with torch.no_grad():
            net(images)

    net.train(training)
    return train if training else infer


def main():
    case, mode, threads, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    network, _, kind = case.partition('-')
    training, compiled = kind == 'training', mode == 'compile'
    if network == 'resnet50':
        step = resnet_steps(training, compiled)
    else:
        step = detector_steps(faster_rcnn if 'faster_rcnn' in network else retinanet, training, network.startswith('narrow'), compiled)
    for _ in range(3):
        step()
    times = []
    for _ in range(count):
        start = time.perf_counter()
        step()
        times.append((time.perf_counter() - start) * 1000)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({'case': case, 'program': 'torch %s %s' % (torch.__version__, mode), 'ms': times, 'peak_mb': round(peak)}))


main()
