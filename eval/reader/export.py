"""Export a trained reader to ONNX in int8 and hold it against torch: `export.py OUT/reader.pt FILE --data DATA`."""

from __future__ import annotations

import argparse
import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from batches import Learnt, pad, read_groups
from model import Reader, Shape
from onnxruntime import InferenceSession
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor, nn

NAMES = ["input_ids", "attention_mask", "token_type_ids"]
GROUPS_COMPARED = 120  # over 400 sentences
GROUPS_SHOWN = 64
_EVENED = 0.8  # how much of an input's size goes to its weights; 0.5 was worse than none, 0.7 and 0.9 a little worse
MAX_TOKENS = 160  # as qa/read.py gives at most
MAX_BYTES = 25_000_000


def main() -> None:
    """Write the file; print its size, its hash and how far it agrees with torch."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path, help="reader.pt or last.pt of train.py")
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder that prepare.py wrote")
    options = parser.parse_args()
    torch.set_num_threads(1)
    shown = read_groups(options.data / "train.jsonl", limit=GROUPS_SHOWN)
    export(load(options.weights), options.out, shown)
    data = options.out.read_bytes()
    print(f"{options.out}: {len(data):,} bytes, sha256 {hashlib.sha256(data).hexdigest()}")
    if len(data) > MAX_BYTES:
        raise SystemExit(f"That is more than {MAX_BYTES:,} bytes.")
    held = read_groups(options.data / "held_qamr.jsonl", limit=GROUPS_COMPARED)
    compare(load(options.weights), InferenceSession(str(options.out)), held)


def load(weights: Path) -> Reader:
    """A trained reader, from its weights alone or from a checkpoint."""
    state = torch.load(weights, weights_only=True)
    state = state.get("reader", state)
    layers = 1 + max(int(name.split(".")[1]) for name in state if name.startswith("layers."))
    reader = Reader(Shape(layers=layers))
    reader.load_state_dict(state)
    return reader.eval()


class CoarseWords(nn.Module):
    """Vectors of words in int8, one scale for each word."""

    def __init__(self, words: nn.Embedding) -> None:
        super().__init__()
        weight = words.weight.detach()
        scale = weight.abs().amax(1, keepdim=True).clamp(min=1e-8) / 127
        self.register_buffer("weight", (weight / scale).round().to(torch.int8))
        self.register_buffer("scale", scale)

    def forward(self, ids: Tensor) -> Tensor:
        return self.weight[ids].float() * self.scale[ids]


class Evened(nn.Module):
    """A linear layer whose inputs are evened out, its weights taking what they lose (SmoothQuant, Xiao et al. 2023).

    Inputs are quantised with one scale for all; a few large ones would leave the others a handful of steps.
    """

    def __init__(self, linear: nn.Linear, largest: Tensor) -> None:
        super().__init__()
        weight = linear.weight.detach()
        scale = largest.clamp(min=1e-5) ** _EVENED / weight.abs().amax(0).clamp(min=1e-5) ** (1 - _EVENED)
        self.linear = nn.Linear(weight.shape[1], weight.shape[0])
        self.linear.weight.data = weight * scale
        self.linear.bias.data = linear.bias.detach()
        self.register_buffer("inverse", 1 / scale)

    def forward(self, states: Tensor) -> Tensor:
        return self.linear(states * self.inverse)


class _Plain(nn.Module):
    """The reader with no more than MAX_TOKENS places, so that the file holds no vector that is never used."""

    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self.reader = reader
        self.reader.places = nn.Embedding.from_pretrained(reader.places.weight[:MAX_TOKENS].detach())

    def forward(self, *given: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.reader(*given)


def export(reader: Reader, out: Path, groups: Sequence[Learnt]) -> None:
    """Write the network in int8; `groups` show how large the inputs of its layers are. The reader is changed."""
    largest = find_largest(reader, groups)
    for number, layer in enumerate(reader.layers):
        for name, linear in list(layer.named_children()):
            if isinstance(linear, nn.Linear):
                setattr(layer, name, Evened(linear, largest[f"layers.{number}.{name}"]))
    reader.words = CoarseWords(reader.words)
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.onnx"
        torch.onnx.export(
            _Plain(reader),
            tuple(torch.ones(2, 16, dtype=torch.long) for _ in NAMES),
            str(plain),
            input_names=NAMES,
            output_names=["answers", "starts", "ends"],
            dynamic_axes={name: {0: "batch", 1: "tokens"} for name in NAMES},
            opset_version=17,
            dynamo=False,
        )
        quantize_dynamic(
            plain, out, weight_type=QuantType.QInt8, per_channel=True, op_types_to_quantize=["MatMul", "Gemm"]
        )


@torch.no_grad()
def find_largest(reader: Reader, groups: Sequence[Learnt]) -> dict[str, Tensor]:
    """The largest absolute value of each input of each linear layer of the encoder."""
    largest: dict[str, Tensor] = {}

    def note(name: str, given: Tensor) -> None:
        found = given.abs().flatten(0, -2).amax(0)
        largest[name] = torch.maximum(largest.get(name, found), found)

    hooks = [
        module.register_forward_pre_hook(lambda _, given, name=name: note(name, given[0]))
        for name, module in reader.named_modules()
        if isinstance(module, nn.Linear) and name.startswith("layers.")
    ]
    for group in groups:
        reader(*pad(group.inputs))
    for hook in hooks:
        hook.remove()
    return largest


@torch.no_grad()
def compare(reader: Reader, session: InferenceSession, groups: Sequence[Learnt]) -> None:
    """Print how far the exported file agrees with torch."""
    ours, theirs, same_first, same_span = [], [], [], []
    for group in groups:
        expected = [part.numpy() for part in reader(*pad(group.inputs))]
        found = session.run(None, dict(zip(NAMES, (part.numpy() for part in pad(group.inputs)), strict=True)))
        ours += list(found[0])
        theirs += list(expected[0])
        same_first.append(found[0].argmax() == expected[0].argmax())
        if group.right is not None:
            ends = ((part[1][group.right].argmax(), part[2][group.right].argmax()) for part in (found, expected))
            same_span.append(next(ends) == next(ends))
    order = np.corrcoef(np.argsort(np.argsort(ours)), np.argsort(np.argsort(theirs)))[0, 1]
    away = np.abs(np.subtract(ours, theirs))
    print(f"{len(ours)} sentences of {len(groups)} questions that were kept out, int8 against torch:")
    print(f"logits differ by {away.mean():.3f} on average, {away.max():.3f} at most; rank correlation {order:.4f};")
    print(f"same first sentence {np.mean(same_first):.3f}, same span of the right one {np.mean(same_span):.3f}")


if __name__ == "__main__":
    main()
