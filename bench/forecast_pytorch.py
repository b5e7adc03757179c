#!/usr/bin/env python3
"""A forecaster's training against the same network in PyTorch, in turns: windows a second.

    bench/forecast_pytorch.py [DATA] [--rounds 3] [--epochs 1] [--threads 1]  RIVERRUN=build/release/riverrun

Both read 720 rows in 15 segments of 48 (a linear layer, ReLU, a GRU of 128 units) and forecast two segments
of 48 rows at once, nine quantiles of each row: one more step of the same GRU for each, from the last state
and a vector of the segment's place and one of the column. Batches of 256 windows, each set against its last
value and its standard deviation; dropout, pinball loss, AdamW, clipping, a cosine. riverrun's time includes
the validation after an epoch, PyTorch's does not. DATA holds timeseries/ETTh1.csv.xz: 8,640 rows to learn
from, the next 2,880 to validate on. Where other programs are busy too, OMP_WAIT_POLICY=PASSIVE keeps several
threads of PyTorch's from spinning while they wait. Needs PyTorch.
"""

import argparse
import csv
import json
import lzma
import math
import os
import statistics
import subprocess
import tempfile
import time

import torch
import torch.nn.functional as F
from torch import nn

LEARNT, JUDGED, LOOK_BACK, HORIZON, SEGMENT, UNITS, BATCH = 8640, 2880, 720, 96, 48, 128, 256
DROPOUT, RATE, WARMUP = 0.3, 1e-3, 50
QUANTILES = torch.arange(1, 10) / 10


class Model(nn.Module):
    def __init__(self, columns):
        super().__init__()
        self.embedding = nn.Linear(SEGMENT, UNITS)
        self.rnn = nn.GRU(UNITS, UNITS)
        self.position = nn.Embedding(HORIZON // SEGMENT, UNITS)
        self.column = nn.Embedding(columns, UNITS)
        self.decoder = nn.Linear(UNITS, SEGMENT * len(QUANTILES))

    def forward(self, past, columns):
        """[15, batch, 48] and [batch] -> [2, batch, 48, quantiles]"""
        _, state = self.rnn(F.relu(self.embedding(past)))
        asked = self.position.weight.unsqueeze(1) + self.column(columns)
        output, _ = self.rnn(asked.reshape(1, -1, UNITS), state.repeat(1, len(asked), 1))
        said = self.decoder(F.dropout(output, DROPOUT, self.training))
        return said.reshape(len(asked), -1, SEGMENT, len(QUANTILES))


class Windows:
    """Those of all columns, `apart` rows apart."""

    def __init__(self, values, apart=1):
        rows = values.T.contiguous().unfold(1, LOOK_BACK + HORIZON, apart)  # [column, origin, row], a view
        self.rows, self.origins = rows, rows.shape[1]
        self.scale = torch.sqrt(torch.var(rows[:, :, :LOOK_BACK], 2, correction=0) + 1e-5)

    def __len__(self):
        return self.rows.shape[0] * self.origins

    def batch(self, which):
        """What is read, [15, batch, 48], columns and scales, [batch], and what follows, [2, batch, 48]"""
        columns, origins = which // self.origins, which % self.origins
        rows = self.rows[columns, origins]
        scale = self.scale[columns, origins]
        rows = (rows - rows[:, LOOK_BACK - 1:LOOK_BACK]) / scale.unsqueeze(1)
        segments = rows.reshape(len(which), -1, SEGMENT).transpose(0, 1)
        return segments[:LOOK_BACK // SEGMENT], columns, scale, segments[LOOK_BACK // SEGMENT:]


def pinball(said, target, scale):
    """In standard deviations of the columns."""
    error = (target.unsqueeze(3) - said) * scale.reshape(1, -1, 1, 1)
    return 2 * (QUANTILES * error + F.relu(-error)).mean()


def train_pytorch(table, epochs, seed):
    torch.manual_seed(seed)
    deviation, mean = torch.std_mean(table[:LEARNT], 0, correction=0)
    table = ((table - mean) / deviation).float()
    model = Model(table.shape[1])
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0, fused=True)
    start = time.perf_counter()
    learnt = Windows(table[:LEARNT])
    updates, update = epochs * math.ceil(len(learnt) / BATCH), 0
    warmup = min(WARMUP, updates // 10)
    for _ in range(epochs):
        for which in torch.randperm(len(learnt)).split(BATCH):
            rate = min(1, (update + 1) / warmup) * 0.5 * (1 + math.cos(math.pi * update / updates))
            optimizer.param_groups[0]["lr"] = RATE * rate
            past, columns, scale, target = learnt.batch(which)
            loss = pinball(model(past, columns), target, scale)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            update += 1
    speed = epochs * len(learnt) / (time.perf_counter() - start)
    return speed, valid_loss(model, table)


def valid_loss(model, table):
    model.eval()
    judged = Windows(table[LEARNT - LOOK_BACK:], 3)  # as riverrun, which has enough in these
    total = 0
    with torch.inference_mode():
        for which in torch.arange(len(judged)).split(BATCH):
            past, columns, scale, target = judged.batch(which)
            total += len(which) * float(pinball(model(past, columns), target, scale))
    return total / len(judged)


def train_riverrun(program, folder, args, seed):
    command = [program, "train", f"{folder}/train.csv", "--valid", f"{folder}/valid.csv", "--horizon",
               str(HORIZON), "--look-back", str(LOOK_BACK), "--segment", str(SEGMENT), "--hidden-size",
               str(UNITS), "--batch-size", str(BATCH), "--dropout", str(DROPOUT), "--lr", str(RATE),
               "--warmup", str(WARMUP), "--calendar", "false", "--epochs", str(args.epochs), "--out",
               f"{folder}/m", "--overwrite", "--seed", str(seed), "--threads", str(args.threads), "--json"]
    done = subprocess.run(command, capture_output=True, check=True)
    trained = json.loads(done.stdout)
    return trained["windows_per_second"], trained["validations"][-1]["valid_loss"]


def main():
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?", default=f"{root}/../shared/data")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    program = os.environ.get("RIVERRUN", f"{root}/build/release/riverrun")
    torch.set_num_threads(args.threads)
    with lzma.open(f"{args.data}/timeseries/ETTh1.csv.xz", "rt", encoding="utf-8") as lines:
        header, *lines = list(lines)[:1 + LEARNT + JUDGED]
    table = torch.tensor([[float(x) for x in row[1:]] for row in csv.reader(lines)], dtype=torch.double)
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        for name, part in ("train", lines[:LEARNT]), ("valid", lines[LEARNT - LOOK_BACK:]):
            with open(f"{folder}/{name}.csv", "w", encoding="utf-8") as file:
                file.writelines([header, *part])
        for seed in range(1, args.rounds + 1):
            ours.append(train_riverrun(program, folder, args, seed))
            theirs.append(train_pytorch(table, args.epochs, seed))
    print(f"PyTorch {torch.__version__}, {args.threads} thread(s), {args.epochs} epoch(s): medians of "
          f"{args.rounds}")
    for name, of in ("riverrun", ours), ("PyTorch", theirs):
        speed, loss = (statistics.median(column) for column in zip(*of))
        ratio = statistics.median(a[0] / b[0] for a, b in zip(of, theirs))
        print(f"{name:10} {speed:,.0f} windows/s, {ratio:.2f} times PyTorch's; validation loss {loss:.4f}")


if __name__ == "__main__":
    main()
