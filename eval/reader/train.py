"""Train the reader: `train.py OUT --data PREPARED --base model.safetensors`, `--resume` from its last checkpoint."""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import torch
from batches import Learnt, by_length, make_batches, mask_words, pad, read_groups
from model import Reader, Shape, load_base
from torch import Tensor
from torch.nn import functional

GROUPS_A_STEP = 4  # about 18 sequences
GROUPS_A_PART = 2  # of a step, run by one thread
RATE = 5e-5
HEADS_RATE = 4.0  # times that; the heads begin from nothing
WARM_UP = 200  # steps
COOL_DOWN = 0.3  # of all steps
SPAN_WEIGHT = 1.0  # of the loss of a span beside that of the choice
CHECKPOINT_SECONDS = 180
HELD_EVERY_SECONDS = 900
HELD_GROUPS = 120


def main() -> None:
    """Train to the end, leaving `last.pt`, `reader.pt` (weights alone) and `log.jsonl` in the folder."""
    options = parse_options()
    torch.set_num_threads(1)  # the threads are ours: each takes a part of a step, and none waits within a product
    torch.manual_seed(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    held = {
        file.stem.removeprefix("held_"): read_groups(file, limit=HELD_GROUPS)
        for file in sorted(options.data.glob("held_*.jsonl"))
    }
    groups = read_groups(options.data / "train.jsonl", limit=options.groups)
    batches = make_batches(groups, size=GROUPS_A_STEP, seed=options.seed)
    reader = load_base(options.base, Shape(layers=options.layers))
    if options.start:
        reader.load_state_dict(torch.load(options.start, weights_only=True))
    Run(reader, batches, options).go(held)


def parse_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder that prepare.py wrote")
    parser.add_argument("--base", type=Path, required=True, help="model.safetensors of all-MiniLM-L6-v2")
    parser.add_argument("--start", type=Path, help="reader.pt of another run, to learn on from")
    parser.add_argument(
        "--groups", type=int, default=24_000, help="how many of the prepared groups are used, once each"
    )
    parser.add_argument("--rate", type=float, default=RATE)
    parser.add_argument("--cool-down", type=float, default=COOL_DOWN, help="share of the steps")
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--seed", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--resume", action="store_true")
    return parser.parse_args()


class Run:
    """A training run: the network, its optimiser, and how far it has come."""

    def __init__(self, reader: Reader, batches: Sequence[list[Learnt]], options: argparse.Namespace) -> None:
        self.reader, self.batches, self.options = reader, batches, options
        # The vocabulary's vectors stay as they are: the texts are few, and their gradient costs a tenth of the time.
        reader.words.weight.requires_grad = reader.places.weight.requires_grad = False
        learnt = [(name, weight) for name, weight in reader.named_parameters() if weight.requires_grad]
        self.weights = [weight for _, weight in learnt]
        self.pool = ThreadPoolExecutor(options.threads)
        heads = [weight for name, weight in learnt if name.startswith(("pool.", "answers.", "spans."))]
        body = [weight for name, weight in learnt if not name.startswith(("pool.", "answers.", "spans."))]
        self.optimiser = torch.optim.AdamW(
            [{"params": body, "lr": options.rate}, {"params": heads, "lr": HEADS_RATE * options.rate}],
            weight_decay=0.01,
            fused=True,
        )
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimiser, lambda step: rate_at(step, len(batches), options.cool_down)
        )
        self.step = self.sequences = 0
        self.seconds = 0.0

    def go(self, held: dict[str, list[Learnt]]) -> None:
        """All steps that are left."""
        if self.options.resume and (self.options.out / "last.pt").exists():
            self.load()
        losses: list[tuple[float, float]] = []
        saved = measured = reported = self.seconds
        while self.step < len(self.batches):
            began = time.monotonic()
            losses.append(self.learn(self.batches[self.step]))
            self.step += 1
            self.seconds += time.monotonic() - began
            if self.seconds - reported > 30:
                reported = self.seconds
                self.log(choice=_mean(loss[0] for loss in losses), span=_mean(loss[1] for loss in losses))
                losses = []
            if self.seconds - saved > CHECKPOINT_SECONDS:
                saved = self.seconds
                self.save()
            if self.seconds - measured > HELD_EVERY_SECONDS:
                measured = self.seconds
                self.log(**{name: measure(self.reader, groups) for name, groups in held.items()})
        self.save()
        torch.save(self.reader.state_dict(), self.options.out / "reader.pt")
        self.log(**{name: measure(self.reader, groups) for name, groups in held.items()})

    def learn(self, batch: Sequence[Learnt]) -> tuple[float, float]:
        """One step; the losses of choice and span."""
        # What is masked depends on seed and step alone, so that a run that was resumed is the same run.
        pick = random.Random(self.options.seed * 1_000_003 + self.step)
        seen = [replace(group, inputs=tuple(mask_words(given, pick) for given in group.inputs)) for group in batch]
        parts = [seen[at : at + GROUPS_A_PART] for at in range(0, len(seen), GROUPS_A_PART)]
        results = list(self.pool.map(self.find_gradients, parts))
        for weight, *gradients in zip(self.weights, *(result[0] for result in results), strict=True):
            weight.grad = torch.stack(gradients).sum(0).div_(len(batch))
        torch.nn.utils.clip_grad_norm_(self.weights, 1.0)
        self.optimiser.step()
        self.schedule.step()
        self.sequences += sum(len(group.inputs) for group in batch)
        return tuple(sum(result[1][loss] for result in results) / len(batch) for loss in (0, 1))

    def find_gradients(self, part: Sequence[Learnt]) -> tuple[tuple[Tensor, ...], tuple[float, float]]:
        """Gradients and losses of a part of a batch, summed over its groups."""
        choice, span = lose(self.reader, part)
        gradients = torch.autograd.grad(choice + SPAN_WEIGHT * span, self.weights, materialize_grads=True)
        return gradients, (choice.item(), span.item())

    def log(self, **values: object) -> None:
        """A line of log.jsonl and of standard output."""
        line = {"step": self.step, "of": len(self.batches), "sequences": self.sequences, "seconds": round(self.seconds)}
        text = json.dumps(line | values)
        print(text, flush=True)
        with (self.options.out / "log.jsonl").open("a") as out:
            out.write(text + "\n")

    def save(self) -> None:
        """All that resuming needs, written aside and put in place at once."""
        state = {
            "reader": self.reader.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "progress": (self.step, self.sequences, self.seconds),
            "layers": self.options.layers,
        }
        aside = self.options.out / "last.pt.new"
        torch.save(state, aside)
        aside.replace(self.options.out / "last.pt")

    def load(self) -> None:
        """Take up the last checkpoint."""
        state = torch.load(self.options.out / "last.pt", weights_only=True)
        self.reader.load_state_dict(state["reader"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.sequences, self.seconds = state["progress"]
        self.schedule.last_epoch = self.step


def rate_at(step: int, steps: int, cool_down: float) -> float:
    """Share of the full learning rate: up, level, down; level for most, so that the end can be moved on resuming."""
    return min((step + 1) / WARM_UP, 1.0, (steps - step) / (cool_down * steps))


def run(reader: Reader, batch: Sequence[Learnt]) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """Logits of all sequences of a batch in order: answers (n,), starts and ends, each as long as its padded input."""
    inputs = [given for group in batch for given in group.inputs]
    answers: list[Tensor] = [torch.empty(0)] * len(inputs)
    starts, ends = answers.copy(), answers.copy()
    for places in by_length(inputs):
        result = reader(*pad([inputs[place] for place in places]))
        for row, place in enumerate(places):
            answers[place], starts[place], ends[place] = (part[row] for part in result)
    return torch.stack(answers), starts, ends


def lose(reader: Reader, batch: Sequence[Learnt]) -> tuple[Tensor, Tensor]:
    """Losses, summed over groups: of the choice among candidates and none (its logit is 0), and of the spans."""
    answers, starts, ends = run(reader, batch)
    of_choice, of_span = [], []
    at = 0
    for group in batch:
        logits = torch.cat([answers.new_zeros(1), answers[at : at + len(group.inputs)]])
        of_choice.append(logits.logsumexp(0) - logits[0 if group.right is None else group.right + 1])
        if group.right is not None and group.span:
            place = at + group.right
            for part, token in ((starts[place], group.span[0]), (ends[place], group.span[1])):
                of_span.append(functional.cross_entropy(part[None], torch.tensor([token])) / 2)
        at += len(group.inputs)
    return torch.stack(of_choice).sum(), torch.stack(of_span).sum() if of_span else answers.new_zeros(())


@torch.no_grad()
def measure(reader: Reader, groups: Sequence[Learnt]) -> dict[str, float]:
    """Shares of groups decided rightly ("none" too), true sentences ranked first, exact spans; AUROC of best scores."""
    right, first, exact = [], [], []
    best: dict[bool, list[float]] = {True: [], False: []}
    for at in range(0, len(groups), GROUPS_A_STEP):
        batch = groups[at : at + GROUPS_A_STEP]
        answers, starts, ends = run(reader, batch)
        offset = 0
        for group in batch:
            logits = answers[offset : offset + len(group.inputs)]
            best[group.right is not None].append(float(logits.max()))
            chosen = int(logits.argmax()) if logits.max() > 0 else None
            right.append(chosen == group.right)
            if group.right is not None:
                first.append(int(logits.argmax()) == group.right)
                place = offset + group.right
                exact.append(find_span(starts[place], ends[place]) == group.span)
            offset += len(group.inputs)
    shares = {"right": _mean(right), "first": _mean(first), "exact": _mean(exact)}
    return shares | {"auroc": _auroc(best[True], best[False])}


def find_span(starts: Tensor, ends: Tensor, longest: int = 24) -> tuple[int, int]:
    """First and last token of the best span of at most `longest` tokens."""
    both = starts[:, None] + ends[None, :]
    allowed = torch.ones_like(both).triu().tril(longest - 1)
    best = int(both.masked_fill(allowed == 0, -1e9).argmax())
    return best // len(starts), best % len(starts)


def _auroc(yes: Sequence[float], no: Sequence[float]) -> float:
    pairs = [(a > b) + 0.5 * (a == b) for a in yes for b in no]
    return _mean(pairs)


def _mean(values: object) -> float:
    numbers = list(values)  # type: ignore[call-overload]
    return round(sum(numbers) / len(numbers), 4) if numbers else 0.0


if __name__ == "__main__":
    random.seed(0)
    main()
