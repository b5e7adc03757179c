#!/usr/bin/env python3
"""A signal model's training against the same network in PyTorch, in turns: samples a second.

    bench/signal_pytorch.py [--rounds 3] [--updates 300] [--threads 1]    RIVERRUN=build/release/riverrun

Both train an LSTM of 16 units and a linear layer, added to the dry signal, on 32 stretches side by side,
256 samples an update, with the state carried on; the loss is the error-to-signal ratio after pre-emphasis
and the square of the error's mean; AdamW, clipping. riverrun's time includes judging the model now and
then. The signals are those of bench/amplifier.cpp, which is beside RIVERRUN. Needs PyTorch.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time

import torch
from torch import nn

BATCH, STEPS, RATE = 32, 256, 48000


def read_wav(path):
    with open(path, "rb") as file:
        data = file.read()
    return torch.frombuffer(bytearray(data[data.index(b"data") + 8:]), dtype=torch.float32)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(1, 16)
        self.head = nn.Linear(16, 1)

    def forward(self, dry, state):
        output, state = self.rnn(dry, state)
        return dry + self.head(output), tuple(s.detach() for s in state)


def train_pytorch(folder, updates, seed):
    torch.manual_seed(seed)
    dry, wet = (read_wav(f"{folder}/{name}.wav") for name in ("dry", "wet"))
    stretch = len(dry) // BATCH
    dry, wet = (x[:BATCH * stretch].reshape(BATCH, stretch).T.unsqueeze(2) for x in (dry, wet))
    power = float((wet ** 2).mean())
    emphasised = float(((wet[1:] - 0.85 * wet[:-1]) ** 2).mean())
    model, state = Model(), None
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=0)
    start = time.perf_counter()
    for update in range(updates):
        first = update * STEPS % (stretch - STEPS)
        output, state = model(dry[first:first + STEPS], state)
        error = output - wet[first:first + STEPS]
        loss = (((error[1:] - 0.85 * error[:-1]) ** 2).mean() / emphasised
                + (error.mean(0) ** 2).mean() / power)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return updates * BATCH * STEPS / (time.perf_counter() - start)


def train_riverrun(program, folder, threads, seed):
    command = [program, "train", f"{folder}/dry.wav", f"{folder}/wet.wav", "--out", f"{folder}/m",
               "--overwrite", "--epochs", "2", "--seed", str(seed), "--threads", str(threads), "--json"]
    done = subprocess.run(command, capture_output=True, check=True)
    return json.loads(done.stdout)["samples_per_second"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--updates", type=int, default=300)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    program = os.environ.get("RIVERRUN", f"{root}/build/release/riverrun")
    torch.set_num_threads(args.threads)
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([f"{os.path.dirname(program)}/amplifier", folder], check=True)
        for seed in range(1, args.rounds + 1):
            ours.append(train_riverrun(program, folder, args.threads, seed))
            theirs.append(train_pytorch(folder, args.updates, seed))
    ratio = statistics.median(a / b for a, b in zip(ours, theirs))
    print(f"PyTorch {torch.__version__}, {args.threads} thread(s): riverrun "
          f"{statistics.median(ours):,.0f} samples/s, PyTorch {statistics.median(theirs):,.0f}, "
          f"ratio {ratio:.2f} (medians of {args.rounds})")


if __name__ == "__main__":
    main()
