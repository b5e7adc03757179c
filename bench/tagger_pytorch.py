#!/usr/bin/env python3
"""A tagger's training against the same network in PyTorch, in turns: seconds for the same epochs.

    bench/tagger_pytorch.py FOLDER [--vectors FILE] [--epochs 1] [--rounds 3] [--threads 1]

FOLDER holds train.conllu and test.conllu; the tags are column 4. RIVERRUN=build/release/riverrun.
The network: a vector of 100 numbers for each word, a bidirectional LSTM of 2 x 50 over its characters,
a bidirectional LSTM of 128 over both, dropout 0.33, Adam at 5e-3 with a cosine. PyTorch's has no random
field, so riverrun's is trained without (--crf false) and with it. PyTorch packs sentences of similar
lengths and spells each word of a batch once, as riverrun does. Neither validates. Needs PyTorch.
"""

import argparse
import json
import math
import os
import random
import statistics
import subprocess
import tempfile
import time

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


def read_conllu(path):
    sentences, words, tags = [], [], []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            fields = line.rstrip("\n").split("\t")
            if len(fields) == 10 and fields[0].isdigit():
                words.append(fields[1])
                tags.append(fields[3])
            elif len(fields) == 1 and not fields[0] and words:
                sentences.append((words, tags))
                words, tags = [], []
    return sentences


class Tagger(nn.Module):
    def __init__(self, words, characters, tags):
        super().__init__()
        self.words = nn.Embedding(words, 100)
        self.characters = nn.Embedding(characters, 50)
        self.spell = nn.LSTM(50, 50, batch_first=True, bidirectional=True)
        self.rnn = nn.LSTM(200, 128, batch_first=True, bidirectional=True)
        self.head = nn.Linear(256, tags)

    def forward(self, words, lengths, characters, spelt, forms):
        packed = pack_padded_sequence(self.characters(characters), spelt, batch_first=True,
                                      enforce_sorted=False)
        _, (h, _) = self.spell(packed)
        x = torch.cat([self.words(words), torch.cat([h[0], h[1]], 1)[forms]], 2)
        x = F.dropout(x, 0.33, self.training)
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        y, _ = pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
        return self.head(F.dropout(y, 0.33, self.training))


class Data:
    def __init__(self, folder, vectors):
        self.train, self.test = (read_conllu(f"{folder}/{part}.conllu") for part in ("train", "test"))
        self.vectors = {}
        if vectors:
            with open(vectors, encoding="utf-8") as lines:
                for line in lines:
                    word, *numbers = line.rstrip("\n").split(" ")
                    self.vectors[word] = [float(x) for x in numbers]
        known = set(self.vectors) | {w.lower() for words, _ in self.train for w in words}
        self.words = {w: i + 1 for i, w in enumerate(sorted(known))}
        self.characters = {c: i + 1 for i, c in enumerate(
            sorted({c for words, _ in self.train for w in words for c in w}))}
        self.tags = {t: i for i, t in enumerate(sorted({t for _, tags in self.train for t in tags}))}

    def batch(self, sentences):
        lengths = torch.tensor([len(words) for words, _ in sentences])
        size = (len(sentences), int(lengths.max()))
        words, forms = torch.zeros(size, dtype=torch.long), torch.zeros(size, dtype=torch.long)
        tags = torch.full(size, -100)
        known = {}
        for b, (of_words, of_tags) in enumerate(sentences):
            words[b, :len(of_words)] = torch.tensor([self.words.get(w.lower(), 0) for w in of_words])
            forms[b, :len(of_words)] = torch.tensor(
                [known.setdefault(w, len(known)) for w in of_words])
            tags[b, :len(of_words)] = torch.tensor([self.tags.get(t, -100) for t in of_tags])
        spelt = torch.tensor([len(w) for w in known])
        characters = nn.utils.rnn.pad_sequence(
            [torch.tensor([self.characters.get(c, 0) for c in w]) for w in known], batch_first=True)
        return words, lengths, characters, spelt, forms, tags


def batches(sentences, size=32, together=64):
    order = random.sample(sentences, len(sentences))
    drawn = []
    for first in range(0, len(order), size * together):
        pool = sorted(order[first:first + size * together], key=lambda s: len(s[0]))
        drawn += [pool[i:i + size] for i in range(0, len(pool), size)]
    return random.sample(drawn, len(drawn))


def train_pytorch(data, epochs, seed):
    torch.manual_seed(seed)
    random.seed(seed)
    start = time.perf_counter()
    model = Tagger(len(data.words) + 1, len(data.characters) + 1, len(data.tags))
    with torch.no_grad():
        model.words.weight.mul_(0.1)
        for word, vector in data.vectors.items():
            model.words.weight[data.words[word]] = torch.tensor(vector)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    updates = epochs * math.ceil(len(data.train) / 32)
    update = 0
    for _ in range(epochs):
        for sentences in batches(data.train):
            rate = min(1, (update + 1) / 50) * 0.5 * (1 + math.cos(math.pi * update / updates))
            optimizer.param_groups[0]["lr"] = 5e-3 * rate
            *read, tags = data.batch(sentences)
            loss = F.cross_entropy(model(*read).flatten(0, 1), tags.flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            update += 1
    seconds = time.perf_counter() - start
    model.eval()
    right = counted = 0
    start = time.perf_counter()
    with torch.no_grad():
        for first in range(0, len(data.test), 128):
            *read, tags = data.batch(data.test[first:first + 128])
            right += int((model(*read).argmax(2) == tags).sum())
            counted += int((tags >= 0).sum())
    return seconds, right / counted, counted / (time.perf_counter() - start)


def train_riverrun(program, folder, args, seed, crf):
    with tempfile.TemporaryDirectory() as scratch:
        command = [program, "train", f"{folder}/train.conllu", "--column", "upos", "--out", f"{scratch}/m",
                   "--epochs", str(args.epochs), "--crf", crf, "--valid-fraction", "0",
                   "--valid-every", "1000000", "--seed", str(seed), "--threads", str(args.threads),
                   "--json"]
        if args.vectors:
            command += ["--vectors", args.vectors]
        done = subprocess.run(command, capture_output=True, check=True)
        seconds = json.loads(done.stdout)["seconds"]
        done = subprocess.run([program, "evaluate", f"{scratch}/m", f"{folder}/test.conllu", "--json",
                               "--threads", str(args.threads)], capture_output=True, check=True)
        evaluated = json.loads(done.stdout)
        return seconds, evaluated["accuracy"], evaluated["words_per_second"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--vectors")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    program = os.environ.get("RIVERRUN", f"{root}/build/release/riverrun")
    torch.set_num_threads(args.threads)
    data = Data(args.folder, args.vectors)
    runs = {"PyTorch": [], "riverrun": [], "riverrun, with a random field": []}
    for seed in range(1, args.rounds + 1):
        runs["riverrun"].append(train_riverrun(program, args.folder, args, seed, "false"))
        runs["PyTorch"].append(train_pytorch(data, args.epochs, seed))
        runs["riverrun, with a random field"].append(
            train_riverrun(program, args.folder, args, seed, "true"))
    print(f"PyTorch {torch.__version__}, {args.threads} thread(s), {args.epochs} epoch(s): medians of "
          f"{args.rounds}")
    for name, of in runs.items():
        seconds, accuracy, speed = (statistics.median(column) for column in zip(*of))
        ratio = statistics.median(b[0] / a[0] for a, b in zip(of, runs["PyTorch"]))
        print(f"{name:30} trained in {seconds:.1f} s, PyTorch's time / its own {ratio:.2f}; "
              f"test {100 * accuracy:.2f} %, {speed:,.0f} words/s")


if __name__ == "__main__":
    main()
