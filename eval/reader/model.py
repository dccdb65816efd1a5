"""The reader's network: a BERT encoder with two heads, whether a sentence answers and where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

ROLES = 3  # token type ids: 0 question, 1 the sentence, 2 what stands around it
_OUTSIDE = -1e4  # logit of a span that begins or ends outside the sentence; finite, so that int8 export stays exact


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of the encoder; the defaults are those of all-MiniLM-L6-v2."""

    layers: int = 6
    width: int = 384
    heads: int = 12
    inner: int = 1536
    vocabulary: int = 30_522
    positions: int = 512


class Layer(nn.Module):
    """One transformer layer, normalised after each part as in BERT (Devlin et al. 2019)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.query = nn.Linear(shape.width, shape.width)
        self.key = nn.Linear(shape.width, shape.width)
        self.value = nn.Linear(shape.width, shape.width)
        self.joined = nn.Linear(shape.width, shape.width)
        self.norm_attention = nn.LayerNorm(shape.width, eps=1e-12)
        self.grow = nn.Linear(shape.width, shape.inner)
        self.shrink = nn.Linear(shape.inner, shape.width)
        self.norm_output = nn.LayerNorm(shape.width, eps=1e-12)

    def forward(self, hidden: Tensor, bias: Tensor) -> Tensor:
        """One step; `bias` (batch, 1, 1, tokens) is added to the attention logits."""
        query, key, value = (self._split(part(hidden)) for part in (self.query, self.key, self.value))
        attended = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        hidden = self.norm_attention(hidden + self.joined(attended.transpose(1, 2).flatten(2)))
        return self.norm_output(hidden + self.shrink(functional.gelu(self.grow(hidden))))

    def _split(self, states: Tensor) -> Tensor:
        return states.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class Reader(nn.Module):
    """Encoder and heads: (answers, starts, ends) are logits; those of tokens outside the sentence are -10,000."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.words = nn.Embedding(shape.vocabulary, shape.width)
        self.places = nn.Embedding(shape.positions, shape.width)
        self.roles = nn.Embedding(ROLES, shape.width)
        self.norm = nn.LayerNorm(shape.width, eps=1e-12)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.pool = nn.Linear(2 * shape.width, shape.width)
        self.answers = nn.Linear(shape.width, 1)
        self.spans = nn.Linear(shape.width, 2)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Logits of shapes (batch,), (batch, tokens), (batch, tokens)."""
        places = torch.arange(input_ids.shape[1], device=input_ids.device)
        hidden = self.words(input_ids) + self.places(places) + self.roles(token_type_ids)
        hidden = self.norm(hidden)
        bias = ((1 - attention_mask) * _OUTSIDE).to(hidden.dtype)[:, None, None, :]
        for layer in self.layers:
            hidden = layer(hidden, bias)
        inside = (token_type_ids == 1).to(hidden.dtype)[..., None]
        mean = (hidden * inside).sum(1) / inside.sum(1).clamp(min=1)
        pooled = torch.tanh(self.pool(torch.cat([hidden[:, 0], mean], dim=-1)))
        starts, ends = (self.spans(hidden) + (1 - inside) * _OUTSIDE).unbind(-1)
        return self.answers(pooled).squeeze(-1), starts, ends


def load_base(weights: Path, shape: Shape) -> Reader:
    """A reader whose encoder is that of a BERT checkpoint; a smaller depth takes layers spread over all of them."""
    found = {name.removeprefix("bert."): value for name, value in load_file(weights).items()}
    depth = 1 + max(int(name.split(".")[2]) for name in found if name.startswith("encoder.layer."))
    taken = [round((place + 1) * depth / shape.layers) - 1 for place in range(shape.layers)]
    reader = Reader(shape)
    roles = found["embeddings.token_type_embeddings.weight"]
    state = {
        "words.weight": found["embeddings.word_embeddings.weight"],
        "places.weight": found["embeddings.position_embeddings.weight"],
        "roles.weight": torch.stack([roles[0], roles[1], roles.mean(0)]),
        "norm.weight": found["embeddings.LayerNorm.weight"],
        "norm.bias": found["embeddings.LayerNorm.bias"],
    }
    for place, layer in enumerate(taken):
        for ours, theirs in _LAYER_NAMES.items():
            for kind in ("weight", "bias"):
                state[f"layers.{place}.{ours}.{kind}"] = found[f"encoder.layer.{layer}.{theirs}.{kind}"]
    missing, unknown = reader.load_state_dict(state, strict=False)
    if unknown or not all(name.startswith(("pool.", "answers.", "spans.")) for name in missing):
        raise ValueError(f"{weights} is no BERT checkpoint of this shape: {[*missing, *unknown][:3]}")
    return reader


_LAYER_NAMES = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "joined": "attention.output.dense",
    "norm_attention": "attention.output.LayerNorm",
    "grow": "intermediate.dense",
    "shrink": "output.dense",
    "norm_output": "output.LayerNorm",
}
