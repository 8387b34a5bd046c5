# SPDX-License-Identifier: Apache-2.0
"""The full-size networks of train/model_steps.cpp in PyTorch, each with one batch: what a step of training computes,
and inference; for torch_gpu.py. ResNet-50 and the detectors are torchvision's; generator and critic are laid out as
scripts/goldens/colorizer.py has them, which our networks agree with (63,646,881 and 94,555,649 parameters). Left as PyTorch
has it: convolutions need not be deterministic, as ours are; under autocast torchvision's anchors and boxes are in 16 bits, ours
in f32. Left as ours has it: inference divides by spectral norms in each pass.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.image_list import ImageList
from torchvision.models.resnet import BasicBlock
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

import torch_gpu_kernels
from torch_gpu_kernels import ATTENTIONS, DTYPES, GPU, attention_times, rand, shuffled

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


class Spectral(nn.Module):
    """A convolution by weight / its largest singular value. In f32 whatever the network computes in, as ours; torch's hook
    would convert the weight to 16 bits three times a pass. The matrix is [out, k k in]: of a channels-last weight a view."""

    def __init__(self, i, o, k, stride=1, padding=None, bias=False):
        super().__init__()
        conv = nn.Conv2d(i, o, k, bias=bias)
        self.weight, self.bias = conv.weight, conv.bias
        self.stride, self.padding = stride, (k - 1) // 2 if padding is None else padding
        self.register_buffer('u', F.normalize(torch.randn(o), dim=0))
        self.register_buffer('v', F.normalize(torch.randn(i * k * k), dim=0))

    def forward(self, x):
        with torch.autocast(x.device.type, enabled=False):
            matrix = self.weight.permute(0, 2, 3, 1).flatten(1)
            u, v = self.u, self.v
            if self.training:
                with torch.no_grad():
                    v = F.normalize(torch.mv(matrix.t(), u), dim=0, eps=1e-12)
                    u = F.normalize(torch.mv(matrix, v), dim=0, eps=1e-12)
                    self.u.copy_(u)
                    self.v.copy_(v)
            weight = self.weight / torch.dot(u, torch.mv(matrix, v))
        return F.conv2d(x, weight, self.bias, self.stride, self.padding)


class WeightNorm(nn.Module):
    """A 1x1 convolution by g v / |v|."""

    def __init__(self, i, o):
        super().__init__()
        conv = nn.Conv2d(i, o, 1)
        self.v, self.bias = conv.weight, conv.bias
        self.g = nn.Parameter(conv.weight.detach().flatten(1).norm(dim=1).view(o, 1, 1, 1))

    def forward(self, x):
        with torch.autocast(x.device.type, enabled=False):
            weight = torch._weight_norm(self.v, self.g, 0)
        return F.conv2d(x, weight, self.bias)


class Attention(nn.Module):
    """Computed the way that is fastest here, which its first pass measures, as cuDNN's benchmark does for convolutions."""

    def __init__(self, c):
        super().__init__()
        self.query, self.key, self.value = Spectral(c, c // 8, 1), Spectral(c, c // 8, 1), Spectral(c, c, 1)
        self.gamma = nn.Parameter(torch.zeros(1))
        self.way = None

    def choose(self, *qkv):
        times, _ = attention_times(*(t.detach() for t in qkv), torch.is_grad_enabled(), 5)
        if torch.is_grad_enabled():
            forward, _ = attention_times(*(t.detach() for t in qkv), False, 5)
            times = {way: us + forward[way] for way, us in times.items()}
        self.way = min(times, key=times.get)
        torch_gpu_kernels.SWEEP = None  # it would count as the network's memory

    def forward(self, x):
        # DeOldify's "key" makes what is usually called queries.
        q, k, v = (part(x).permute(0, 2, 3, 1).flatten(1, 2) for part in (self.key, self.query, self.value))
        with torch.autocast(x.device.type, enabled=False):  # which would make the softmax f32, and convert it back
            if self.way is None:
                self.choose(q, k, v)
            y = ATTENTIONS[self.way](q, k, v).view(x.shape[0], x.shape[2], x.shape[3], -1).permute(0, 3, 1, 2)
            return torch.addcmul(x, self.gamma.to(y.dtype), y)


def conv_relu_norm(i, o, attention=False):
    return nn.Sequential(Spectral(i, o, 3), nn.ReLU(inplace=True), nn.BatchNorm2d(o), *([Attention(o)] if attention else []))


class Up(nn.Module):
    def __init__(self, i, skip, halved, attention):
        super().__init__()
        self.widen = nn.Sequential(Spectral(i, 2 * i, 1), nn.BatchNorm2d(2 * i), nn.ReLU(inplace=True))
        self.norm = nn.BatchNorm2d(skip)
        joined = i // 2 + skip
        self.out = int(1.5 * (joined // 2 if halved else joined))
        self.conv1, self.conv2 = conv_relu_norm(joined, self.out), conv_relu_norm(self.out, self.out, attention)

    def forward(self, x, skip):
        # The mean of 2x2 cells, edges repeated above and on the left: there only the cells inside count.
        y = F.avg_pool2d(shuffled(self.widen(x)), 2, 1, padding=1, count_include_pad=False)[:, :, :-1, :-1]
        return self.conv2(self.conv1(F.relu(torch.cat([y, self.norm(skip)], 1), inplace=True)))


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = torchvision.models.resnet34(weights=None)
        del self.encoder.fc
        self.middle_norm = nn.BatchNorm2d(512)
        self.middle = nn.Sequential(conv_relu_norm(512, 1024), conv_relu_norm(1024, 512))
        self.up, top = nn.ModuleList(), 512
        for i, skip in enumerate((256, 128, 64, 64)):
            self.up.append(Up(top, skip, i == 3, i == 1))
            top = self.up[-1].out
        self.last = WeightNorm(top, 4 * top)
        self.residual = nn.Sequential(Spectral(top + 3, top + 3, 3, bias=True), nn.ReLU(inplace=True),
                                      Spectral(top + 3, top + 3, 3, bias=True), nn.ReLU(inplace=True))
        self.to_rgb = Spectral(top + 3, 3, 1, bias=True)

    def forward(self, x):
        body, maps = self.encoder, []
        y = body.relu(body.bn1(body.conv1(x)))
        maps.append(y)
        y = body.maxpool(y)
        for layer in (body.layer1, body.layer2, body.layer3, body.layer4):
            y = layer(y)
            maps.append(y)
        y = self.middle(F.relu(self.middle_norm(maps.pop())))
        for up in self.up:
            y = up(y, maps.pop())
        y = torch.cat([shuffled(F.relu(self.last(y), inplace=True)), x], 1)
        return self.to_rgb(self.residual(y) + y).sigmoid() * 6 - 3


class Critic(nn.Module):
    """Without dropout: the steps of train/model_steps.cpp have none."""

    def __init__(self, c=256):
        super().__init__()
        self.first = Spectral(3, c, 4, 2, 1, True)
        self.blocks = nn.ModuleList()
        for i in range(3):
            self.blocks.append(nn.ModuleList([Spectral(c, c, 3, bias=True), Spectral(c, 2 * c, 4, 2, 1, True)]))
            c *= 2
            if i == 0:
                self.attention = Attention(c)
        self.last = nn.ModuleList([Spectral(c, c, 3, bias=True), Spectral(c, 1, 4, padding=0)])

    def forward(self, x):
        def activated(layer, v):
            return F.leaky_relu(layer(v), 0.2, inplace=True)
        y = activated(self.first, x)
        for i, (conv, down) in enumerate(self.blocks):
            y = activated(down, activated(conv, y))
            y = self.attention(y) if i == 0 else y
        return self.last[1](activated(self.last[0], y)).flatten(1)


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
    batches = (8, 2)  # 32 images are too many
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
