# SPDX-License-Identifier: Apache-2.0
"""Goldens for tests/models/faster_rcnn_parity_test.cpp: torchvision's Faster R-CNN R50-FPN on weights and inputs made
by Philox. Every anchor and proposal is sampled, so that nothing depends on torchvision's random numbers.

usage: python3 scripts/goldens/faster_rcnn.py [tests/goldens]   (torch and torchvision from PyPI)
"""
import torch
import torchvision
from torchvision.models.detection.backbone_utils import _resnet_fpn_extractor
from torchvision.models.detection.faster_rcnn import FasterRCNN, FastRCNNPredictor, TwoMLPHead
from torchvision.ops import FrozenBatchNorm2d

from golden import run
from models import detection_rows, fill, picture

WATCHED = ('backbone.body.layer2.0.conv1.weight', 'backbone.body.layer4.2.conv3.weight',
           'backbone.fpn.inner_blocks.0.0.weight', 'backbone.fpn.layer_blocks.2.0.bias', 'rpn.head.conv.0.0.weight',
           'rpn.head.cls_logits.weight', 'rpn.head.bbox_pred.weight', 'roi_heads.box_head.fc6.weight',
           'roi_heads.box_head.fc7.weight', 'roi_heads.box_predictor.cls_score.weight',
           'roi_heads.box_predictor.bbox_pred.weight')


def build(shape, proposals, hidden):
    body = torchvision.models.resnet50(weights=None, norm_layer=FrozenBatchNorm2d)
    model = FasterRCNN(_resnet_fpn_extractor(body, 3), min_size=shape[2], max_size=shape[3], image_mean=[0, 0, 0],
                       image_std=[1, 1, 1], rpn_pre_nms_top_n_train=300, rpn_pre_nms_top_n_test=300,
                       rpn_post_nms_top_n_train=proposals, rpn_post_nms_top_n_test=proposals,
                       rpn_batch_size_per_image=1000000, box_batch_size_per_image=proposals + 8, box_positive_fraction=1.0,
                       box_head=TwoMLPHead(256 * 49, hidden), box_predictor=FastRCNNPredictor(hidden, 3))
    return fill(model)


def faster_rcnn(g, key, shape, boxes, proposals, hidden, detections):
    model = build(shape, proposals, hidden)
    x = picture(key + '.input', shape)
    targets = [{'boxes': torch.tensor(boxes), 'labels': torch.tensor([1, 2, 1])},
               {'boxes': torch.zeros(0, 4), 'labels': torch.zeros(0, dtype=torch.int64)}]
    model.train()
    losses = model(list(x), targets)
    names = ('loss_objectness', 'loss_rpn_box_reg', 'loss_classifier', 'loss_box_reg')
    g.numbers(key + '.losses', [losses[n].item() for n in names])
    sum(losses.values()).backward()
    params = dict(model.named_parameters())
    for name in WATCHED:
        g.tensor(key + '.grad.' + name, params[name].grad)
    model.eval()
    with torch.no_grad():
        levels = list(model.backbone(x).values())
        logits, deltas = model.rpn.head(levels)
        flat = [torch.cat([t.permute(0, 2, 3, 1).reshape(shape[0], -1, k) for t in ts], 1) for ts, k in ((logits, 1), (deltas, 4))]
        g.tensor(key + '.rpn_logits', flat[0])
        g.tensor(key + '.rpn_deltas', flat[1])
        if detections:
            g.detections(key, detection_rows(model(list(x)), 20, 1))


def make(g):
    faster_rcnn(g, 'faster_rcnn', (2, 3, 224, 256),
                [[20.5, 30.25, 90.0, 120.5], [100.0, 40.0, 230.0, 200.0], [5.0, 150.0, 40.0, 190.0]], 120, 1024, True)
    # For float64 in plain loops, where the large one would take minutes.
    faster_rcnn(g, 'faster_rcnn_small', (2, 3, 96, 128),
                [[20.5, 30.25, 60.0, 90.5], [30.0, 10.0, 120.0, 80.0], [5.0, 50.0, 40.0, 90.0]], 40, 24, False)


if __name__ == '__main__':
    run({'faster_rcnn.txt': make})
