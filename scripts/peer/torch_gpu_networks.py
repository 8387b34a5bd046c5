# SPDX-License-Identifier: Apache-2.0
"""The full-size networks of train/model_steps.cpp in PyTorch, each with one batch: what a step of training computes,
and inference; for torch_gpu.py. ResNet-50 and the detectors are torchvision's; generator and critic are in
torch_gpu_colorizer.py. Left as PyTorch has it: convolutions need not be deterministic, as ours are; under autocast
torchvision's anchors and boxes are in 16 bits, ours in f32.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.image_list import ImageList
from torchvision.models.resnet import BasicBlock
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

from torch_gpu_colorizer import Attention, Critic, Generator
from torch_gpu_kernels import DTYPES, GPU, rand

NARROW = ('bf16', 'f16')


def captured(step):
    """The step as a CUDA graph; its `peak` is the memory in use while it was captured, since replays allocate nothing."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    torch.cuda.reset_peak_memory_stats()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()

    def replay():
        graph.replay()
    replay.peak = torch.cuda.max_memory_allocated()
    return replay


class Step:
    """A network with a normalised batch: `train` and `infer` are steps; what is to be timed comes from `prepare`."""
    training, inference = 'training', 'inference'
    whole = True  # nothing in a step waits for the host, so that a graph may hold all of it
    batches = (32, 2, 8)

    def __init__(self, net, batch, side, type_, layout):
        self.net, self.type, self.mode = net.to(GPU, memory_format=layout), type_, None
        self.x = (rand(batch, 3, side, side) - 0.5).to(DTYPES[type_], memory_format=layout)
        self.optimizer = torch.optim.SGD(net.parameters(), 0.001, 0.9, fused=True)
        self.settled = False

    def autocast(self, **more):
        dtype = DTYPES[self.type] if self.type in NARROW else torch.bfloat16
        return torch.autocast(GPU.type, dtype, enabled=self.type in NARROW, **more)

    def begin(self):
        if self.mode == 'reduce-overhead':  # what the last step's graphs gave may be overwritten
            torch.compiler.cudagraph_mark_step_begin()

    def train(self):
        self.begin()
        self.optimizer.zero_grad(set_to_none=True)
        with self.autocast():
            loss = self.loss()
        loss.backward()
        self.optimizer.step()

    def infer(self):
        self.begin()
        with torch.no_grad(), self.autocast():
            return self.find()

    def find(self):
        return self.net(self.x)

    def settle(self):
        """Nothing is trained any more: no gradients, no momentum, and weights in 16 bits, which autocast then need not convert
        in each pass."""
        self.optimizer.zero_grad(set_to_none=True)
        self.optimizer.state.clear()
        self.net.eval().requires_grad_(False)
        for module in self.net.modules():
            if isinstance(module, Attention) and not self.mode:
                module.way = None  # the fastest without gradients may be another one
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                module.to(DTYPES[self.type])
        self.settled = True

    def prepare(self, what, graph):
        if what == self.inference and not self.settled:
            self.settle()
        step = self.train if what == self.training else self.infer
        return captured(step) if graph else step

    def compile(self, mode):
        self.mode = mode
        self.net = torch.compile(self.net, mode=mode, dynamic=False)

    def how(self):
        return ['attention by ' + m.way for m in self.net.modules() if isinstance(m, Attention) and m.way]


class Resnet50(Step):
    def __init__(self, _, batch, type_, layout):
        super().__init__(torchvision.models.resnet50(num_classes=14), batch, 224, type_, layout)
        self.targets = torch.zeros(batch, 14, device=GPU)

    def loss(self):
        return F.binary_cross_entropy_with_logits(self.net(self.x), self.targets)

    def settle(self):
        super().settle()
        self.net.to(DTYPES[self.type])  # norms too: it needs no autocast

    def infer(self):
        self.begin()
        with torch.no_grad():
            return self.net(self.x)


class Ready(nn.Module):
    """In place of torchvision's transform, which resizes, normalises and copies images into a batch: ours begins with one, and
    reports boxes in its pixels."""

    def __init__(self, x):
        super().__init__()
        self.images = ImageList(x, [tuple(x.shape[2:])] * x.shape[0])

    def forward(self, images, targets=None):
        return self.images, targets

    def postprocess(self, found, sizes, original_sizes):
        return found


class Trunk(nn.Module):
    """A detector's backbone, pyramid and head: what of it no value on the host interrupts."""

    def __init__(self, backbone, head, joined):
        super().__init__()
        self.backbone, self.head, self.joined = backbone, head, joined

    def forward(self, x):
        features = type(self.backbone).forward(self.backbone, x)
        out = type(self.head).forward(self.head, list(features.values()))
        return features if self.joined else {name: f.detach() for name, f in features.items()}, out


class Detector(Step):
    """Settings are torchvision's where ours are the same (models/retinanet.h, region_proposals.h, roi_heads.h), which is all
    but how many regions of an image train Faster R-CNN. As ours, a step of training begins with true boxes on the host, and
    detection ends with boxes there."""
    training, inference = 'training_with_targets', 'detect'
    whole = False
    in_graph = 'backbone, pyramid and head as a graph; boxes are chosen between host and device'
    side = 512

    def __init__(self, network, batch, type_, layout):
        body, side = torchvision.models.resnet50(weights=None), self.side
        one_stage = network == 'retinanet'
        if one_stage:
            layers = {'layer2': '0', 'layer3': '1', 'layer4': '2'}
            backbone = BackboneWithFPN(body, layers, [512, 1024, 2048], 256, extra_blocks=LastLevelP6P7(256, 256))
            net = torchvision.models.detection.RetinaNet(backbone, num_classes=1)
        else:
            layers = {'layer%d' % (i + 1): str(i) for i in range(4)}
            backbone = BackboneWithFPN(body, layers, [256, 512, 1024, 2048], 256)
            net = torchvision.models.detection.FasterRCNN(backbone, num_classes=2, box_batch_size_per_image=128)
        super().__init__(net, batch, side, type_, layout)
        net.transform = Ready(self.x)
        self.head_of, self.replaced = net if one_stage else net.rpn, False
        self.images = list(self.x.unbind())
        self.boxes = torch.tensor([[[100., 120., 220., 260.]]]).expand(batch, 1, 4).contiguous().pin_memory()
        self.labels = torch.full((batch, 1), 0 if one_stage else 1).pin_memory()

    def loss(self):
        up = (t.to(GPU, non_blocking=True).unbind() for t in (self.boxes, self.labels))
        targets = [{'boxes': boxes, 'labels': labels} for boxes, labels in zip(*up)]
        return sum(self.net(self.images, targets).values())

    def find(self):
        found = self.net(self.images)
        return torch.cat([torch.cat([d['boxes'], d['scores'][:, None], d['labels'][:, None]], 1) for d in found]).cpu()

    def compile(self, mode):
        self.mode = mode
        self.net.backbone = torch.compile(self.net.backbone, mode=mode, dynamic=False)
        self.head_of.head = torch.compile(self.head_of.head, mode=mode, dynamic=False)

    def prepare(self, what, graph):
        step = super().prepare(what, False)
        backbone, head = self.net.backbone, self.head_of.head
        if self.replaced:
            del backbone.forward, head.forward
            self.replaced = False
        if not graph:
            return step
        run, peak, out = None, 0, {}
        trunk = Trunk(backbone, head, self.head_of is not self.net)
        with self.autocast(cache_enabled=False):
            if what == self.training:
                torch.cuda.reset_peak_memory_stats()
                run = torch.cuda.make_graphed_callables(trunk, (self.x,))
                peak = torch.cuda.max_memory_allocated()
            else:
                def once():
                    with torch.no_grad():
                        out['all'] = trunk(self.x)
                replay = captured(once)
                peak = replay.peak

                def run(x):
                    replay()
                    return out['all']

        def features(x):
            found, out['head'] = run(x)
            return found
        # Of the objects alone: Trunk calls what their classes have.
        backbone.forward, head.forward, self.replaced = features, lambda _: out['head'], True

        def partly():
            step()
        partly.peak = peak
        return partly


class Colorizer(Step):
    batches = (8, 2, 32)
    side = 256

    def __init__(self, net, batch, type_, layout):
        super().__init__(net, batch, self.side, type_, layout)
        self.real = self.x.clone()

    def compile(self, mode):
        for module in self.net.modules():
            if isinstance(module, Attention):
                module.way = 'bmm, softmax, bmm'  # what the compiler knows and may replace
        super().compile(mode)


class GeneratorStep(Colorizer):
    """With its content loss and the critic's judgement, both of networks that are not trained."""

    def __init__(self, _, batch, type_, layout):
        super().__init__(Generator(), batch, type_, layout)
        self.critic = Critic().to(GPU, memory_format=layout).eval().requires_grad_(False)
        self.phi = torchvision.models.ResNet(BasicBlock, [3, 4, 6, 3]).to(GPU, memory_format=layout).eval().requires_grad_(False)
        self.judged = self.judge

    def maps(self, x):
        phi, out = self.phi, [x]
        x = phi.maxpool(phi.relu(phi.bn1(phi.conv1(x))))
        for layer in (phi.layer1, phi.layer2, phi.layer3):
            x = layer(x)
            out.append(x)
        return out

    def judge(self, made, real):
        with torch.no_grad():
            theirs = self.maps(real)
        # Means in f32 of differences that stay as they are: l1_loss would first convert both maps.
        content = sum((a - b).abs().mean(dtype=torch.float32) for a, b in zip(self.maps(made), theirs))
        return content + 0.5 * F.softplus(-self.critic(made)).mean()

    def loss(self):
        return self.judged(self.net(self.x), self.real)

    def settle(self):
        super().settle()
        self.critic = self.phi = self.judged = None

    def compile(self, mode):
        self.critic.attention.way = 'bmm, softmax, bmm'
        super().compile(mode)
        self.judged = torch.compile(self.judge, mode=mode, dynamic=False)

    def how(self):
        judges = [] if self.critic is None else ["the critic's by " + (self.critic.attention.way or '?')]
        return super().how() + judges


class CriticStep(Colorizer):
    def __init__(self, _, batch, type_, layout):
        super().__init__(Critic(), batch, type_, layout)
        self.made = self.x.clone()

    def loss(self):
        return F.softplus(-self.net(self.real)).mean() + F.softplus(self.net(self.made)).mean()

    def settle(self):
        super().settle()
        self.made = None


STEPS = {'resnet50': Resnet50, 'retinanet': Detector, 'faster_rcnn': Detector, 'generator': GeneratorStep, 'critic': CriticStep}
