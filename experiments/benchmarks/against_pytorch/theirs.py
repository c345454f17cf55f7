r"""PyTorch's side of run.py, which starts it with PyTorch's own interpreter.

  python experiments/benchmarks/against_pytorch/theirs.py \
      '{"kind": "inference", "stem": "small", "pixels": 48, "batch": 8}'

waits for numbers on standard input, see serving.py. Needs torch and
torchvision, and torchjd where tasks are balanced.
"""

# The environment of this package has neither.
# pyright: reportMissingImports=false

import sequences
import serving
import torch
from torch import nn
from torch.nn import functional
import torchvision


class Faces(nn.Module):
  """ResNet-18 with the heads of expression, action units and affect."""

  def __init__(self, stem: str) -> None:
    super().__init__()
    self.backbone = torchvision.models.resnet18()
    self.backbone.fc = nn.Identity()
    if stem == 'small':
      self.backbone.conv1 = nn.Conv2d(3, 64, 3, 2, 1, bias=False)
      self.backbone.maxpool = nn.Identity()
    self.heads = nn.ModuleList([nn.Linear(512, n) for n in (8, 12, 2)])

  def forward(self, images):
    """Returns the heads' outputs."""
    return self.read(self.backbone(images))

  def read(self, features):
    """Returns the heads' outputs."""
    return [head(features) for head in self.heads]


# {our method of balancing: TorchJD's aggregator}.
AGGREGATORS = {
  'aligned_mtl': 'AlignedMTL',
  'cagrad': 'CAGrad',
  'config': 'ConFIG',
  'fairgrad': 'FairGrad',
  'graddrop': 'GradDrop',
  'gradvac': 'GradVac',
  'imtl_g': 'IMTLG',
  'mgda': 'MGDA',
  'nash_mtl': 'NashMTL',
  'pcgrad': 'PCGrad',
  'upgrad': 'UPGrad',
}
# As this package sets them.
OPTIONS = {
  'cagrad': {'c': 0.5},
  'fairgrad': {'alpha': 1.0},
  'nash_mtl': {'n_tasks': 3},
}


def losses(outputs, labels):
  """Returns cross entropy, binary cross entropy, 1 - CCC, as our tasks do."""
  expression, units, affect = outputs
  x, y = torch.tanh(affect), labels['valence_arousal']
  mean_x, mean_y = x.mean(0), y.mean(0)
  covariance = ((x - mean_x) * (y - mean_y)).mean(0)
  spread = x.var(0, unbiased=False) + y.var(0, unbiased=False)
  ccc = 2 * covariance / (spread + (mean_x - mean_y) ** 2)
  return [
    functional.cross_entropy(expression, labels['expression']),
    functional.binary_cross_entropy_with_logits(units, labels['action_units']),
    (1 - ccc).mean(),
  ]


class Early(nn.Module):
  """An LSTM over the concatenated modalities, a dense layer, and a head."""

  def __init__(self) -> None:
    super().__init__()
    total = sum(sequences.WIDTHS.values())
    self.lstm = nn.LSTM(total, 128, batch_first=True)
    self.dense, self.head = nn.Linear(128, 128), nn.Linear(128, 1, bias=False)

  def forward(self, given):
    """Returns the head's output."""
    x, _ = self.lstm(torch.cat(given, -1))
    return self.head(torch.relu(self.dense(x[:, -1])))


class Late(nn.Module):
  """An encoder for each modality, two dense layers, and a head."""

  def __init__(self, encoder) -> None:
    super().__init__()
    self.encoders = nn.ModuleList(
      [encoder(width) for width in sequences.WIDTHS.values()]
    )
    self.dense0, self.dense1 = nn.Linear(3 * 128, 128), nn.Linear(128, 128)
    self.head = nn.Linear(128, 1, bias=False)

  def forward(self, given):
    """Returns the head's output."""
    read = [e(x) for e, x in zip(self.encoders, given, strict=True)]
    x = torch.relu(self.dense0(torch.cat(read, -1)))
    return self.head(torch.relu(self.dense1(x)))


class LastState(nn.Module):
  """The last state of an LSTM, projected."""

  def __init__(self, width: int) -> None:
    super().__init__()
    self.lstm = nn.LSTM(width, 128, batch_first=True)
    self.dense = nn.Linear(128, 128)

  def forward(self, x):
    """[B, T, D] -> [B, 128]."""
    return self.dense(self.lstm(x)[0][:, -1])


class MeanState(nn.Module):
  """The mean over time of a transformer's output, projected."""

  def __init__(self, width: int) -> None:
    super().__init__()
    self.project = nn.Linear(width, 128)
    layer = nn.TransformerEncoderLayer(
      128,
      4,
      512,
      0.0,
      lambda x: functional.gelu(x, approximate='tanh'),
      batch_first=True,
      norm_first=True,
    )
    self.layers = nn.TransformerEncoder(
      layer, 2, nn.LayerNorm(128), enable_nested_tensor=False
    )
    self.dense = nn.Linear(128, 128)
    step = torch.arange(500)[:, None]
    angle = step / 10_000 ** (2 * (torch.arange(128) // 2) / 128)
    odd = torch.arange(128) % 2 == 1
    self.positions = torch.where(odd, torch.cos(angle), torch.sin(angle))

  def forward(self, x):
    """[B, T, D] -> [B, 128]."""
    x = self.project(x) + self.positions[: x.shape[1]]
    return self.dense(self.layers(x).mean(1))


def make_sequences(work):
  """Returns an update of a fusion of text, audio and vision, with one head."""
  given, labels = sequences.random(work)
  given = [torch.from_numpy(x) for x in given.values()]
  labels = torch.from_numpy(labels)
  models = {
    'ef_lstm': Early,
    'lf_lstm': lambda: Late(LastState),
    'lf_transformer': lambda: Late(MeanState),
  }
  model = models[work['fusion']]()
  run = torch.compile(model) if work.get('compiled') else model
  optimizer = torch.optim.AdamW(model.parameters(), 1e-3, weight_decay=1e-4)

  def update():
    optimizer.zero_grad()
    functional.l1_loss(run(given), labels).backward()
    optimizer.step()

  return update


def make(work):
  """Returns a function that does the work once."""
  torch.manual_seed(0)
  return make_sequences(work) if 'fusion' in work else make_faces(work)


def make_faces(work):
  """Returns an update, or inference, of ResNet-18 with three heads."""
  batch, pixels = work['batch'], work['pixels']
  model = Faces(work['stem']).to(memory_format=torch.channels_last)
  images = torch.rand(batch, 3, pixels, pixels)
  images = images.to(memory_format=torch.channels_last)
  labels = {
    'expression': torch.randint(8, (batch,)),
    'action_units': torch.randint(2, (batch, 12)).float(),
    'valence_arousal': 2 * torch.rand(batch, 2) - 1,
  }
  run = torch.compile(model) if work.get('compiled') else model
  if work['kind'] == 'inference':
    model.eval()

    def infer():
      with torch.inference_mode():
        run(images)

    return infer
  optimizer = torch.optim.AdamW(model.parameters(), 1e-3, weight_decay=1e-4)

  balancing = work.get('balancing', 'fixed')
  if balancing == 'fixed':
    backward = lambda: torch.stack(losses(run(images), labels)).sum().backward()
  else:
    backward = make_balanced(model, images, labels, balancing)

  def update():
    optimizer.zero_grad()
    backward()
    optimizer.step()

  return update


def make_balanced(model, images, labels, balancing):
  """Returns a function that writes balanced gradients into `.grad`."""
  # Late: the others do without.
  from torchjd import aggregation
  from torchjd import autojac

  aggregator = getattr(aggregation, AGGREGATORS[balancing])(
    **OPTIONS.get(balancing, {})
  )
  shared = list(model.backbone.parameters())

  def backward():
    features = model.backbone(images)
    autojac.mtl_backward(losses(model.read(features), labels), features)
    autojac.jac_to_grad(shared, aggregator)

  return backward


if __name__ == '__main__':
  serving.serve(make)
