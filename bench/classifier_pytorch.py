#!/usr/bin/env python3
"""A classifier's training against the same network in PyTorch, in turns: seconds for the same updates.

    bench/classifier_pytorch.py FOLDER [--rounds 5] [--threads 1]    RIVERRUN=build/release/riverrun

FOLDER holds NAME_TRAIN.ts and NAME_TEST.ts of the UEA/UCR archive. Both learn from all sequences, with
the defaults of `riverrun train`: a convolution, relu, a bidirectional LSTM, the mean over the steps,
dropout, a linear layer; AdamW, warmup and cosine, clipping; shift, scaling and jitter. Needs PyTorch.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import tempfile
import time

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

NAMES = ["JapaneseVowels", "BasicMotions", "GunPoint"]


def read_ts(path):
    sequences, labels, in_data = [], [], False
    with open(path, encoding="utf-8") as lines:
        for line in map(str.strip, lines):
            if in_data and line:
                *channels, label = line.split(":")
                values = [[float(v) for v in channel.split(",")] for channel in channels]
                sequences.append(torch.tensor(values).T)
                labels.append(label)
            elif line.lower() == "@data":
                in_data = True
    return sequences, labels


class Classifier(nn.Module):
    def __init__(self, channels, classes, stride):
        super().__init__()
        self.stride = stride
        self.conv = nn.Conv1d(channels, 64, 9, stride=stride, padding=4)
        self.rnn = nn.LSTM(64, 64, batch_first=True, bidirectional=True)
        self.head = nn.Linear(128, classes)

    def forward(self, x, lengths):
        x = torch.relu(self.conv(x.transpose(1, 2))).transpose(1, 2)
        lengths = (lengths - 1) // self.stride + 1
        x = F.dropout(x, 0.3, self.training)
        if int(lengths.min()) == x.shape[1]:
            return self.head(F.dropout(self.rnn(x)[0].mean(1), 0.3, self.training))
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        h, _ = pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
        return self.head(F.dropout(h.sum(1) / lengths[:, None], 0.3, self.training))


def augmented(x, lengths):
    batch, steps, channels = x.shape
    by = ((torch.rand(batch) * 2 - 1) * 0.1 * lengths).round().long()
    index = (torch.arange(steps)[None] + by[:, None]).clamp(min=0)
    index = torch.minimum(index, (lengths - 1)[:, None])
    x = x.gather(1, index[..., None].expand(-1, -1, channels))
    x = x * (1 + 0.1 * torch.randn(batch, 1, channels)) + 0.1 * torch.randn(batch, steps, channels)
    return x * (torch.arange(steps)[None] < lengths[:, None])[..., None]


def train_pytorch(folder, name, updates, seed):
    torch.manual_seed(seed)
    sequences, names = read_ts(f"{folder}/{name}_TRAIN.ts")
    start = time.perf_counter()
    classes = sorted(set(names))
    labels = torch.tensor([classes.index(label) for label in names])
    every = torch.cat(sequences)
    mean, scale = every.mean(0), every.std(0)
    lengths = torch.tensor([len(s) for s in sequences])
    x = nn.utils.rnn.pad_sequence([(s - mean) / scale for s in sequences], batch_first=True)
    stride = min(max(int(lengths.max()) + 16, 32) // 32, 8)
    model = Classifier(x.shape[2], len(classes), stride)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    order = []
    for update in range(updates):
        rate = min(1, (update + 1) / 50) * 0.5 * (1 + math.cos(math.pi * update / updates))
        optimizer.param_groups[0]["lr"] = 2e-3 * rate
        if not order:
            order = list(torch.randperm(len(sequences)).split(16))[::-1]
        which = order.pop()
        longest = int(lengths[which].max())
        batch = augmented(x[which, :longest], lengths[which])
        loss = F.cross_entropy(model(batch, lengths[which]), labels[which])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return time.perf_counter() - start


def train_riverrun(program, folder, name, threads, seed):
    with tempfile.TemporaryDirectory() as scratch:
        command = [program, "train", f"{folder}/{name}_TRAIN.ts", "--out", f"{scratch}/m", "--json"]
        command += ["--threads", str(threads), "--seed", str(seed), "--valid-fraction", "0"]
        done = subprocess.run(command, capture_output=True, check=True)
        result = json.loads(done.stdout)
        return result["seconds"], result["steps"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    program = os.environ.get("RIVERRUN", f"{root}/build/release/riverrun")
    torch.set_num_threads(args.threads)
    print(f"PyTorch {torch.__version__}, {args.threads} thread(s): seconds, medians of {args.rounds}")
    for name in NAMES:
        ours, theirs = [], []
        for seed in range(1, args.rounds + 1):
            seconds, updates = train_riverrun(program, args.folder, name, args.threads, seed)
            ours.append(seconds / updates)
            theirs.append(train_pytorch(args.folder, name, updates, seed) / updates)
        ratio = statistics.median(b / a for a, b in zip(ours, theirs))
        print(f"{name:16} riverrun {1e3 * statistics.median(ours):.2f} ms an update, "
              f"PyTorch {1e3 * statistics.median(theirs):.2f} ms, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
