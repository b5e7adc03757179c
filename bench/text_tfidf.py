#!/usr/bin/env python3
"""Classes of texts by TF-IDF and logistic regression, to compare `riverrun train` with.

    pip install scikit-learn
    bench/text_tfidf.py TRAIN TEST

A file has one text a line, with its class in front: "__label__name text", or the name, a tab, the
text (bench/sequences.sh, KINDS=text, shows how they are made). Prints accuracy and macro F1.
"""

import sys

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.pipeline import make_pipeline

PREFIX = "__label__"


def read(path):
    texts, labels = [], []
    with open(path, encoding="utf-8") as file:
        for line in file:
            line = line.rstrip("\n")
            label, text = line.split(" " if line.startswith(PREFIX) else "\t", 1)
            texts.append(text)
            labels.append(label.removeprefix(PREFIX))
    return texts, labels


def main():
    texts, labels = read(sys.argv[1])
    test_texts, test_labels = read(sys.argv[2])
    best = {"sublinear_tf": True, "min_df": 2}
    for name, words, strength in [
        ("defaults", {}, 1.0),
        ("words", best, 10.0),
        ("words and pairs", {**best, "ngram_range": (1, 2)}, 10.0),
    ]:
        model = make_pipeline(TfidfVectorizer(**words), LogisticRegression(C=strength, max_iter=2000))
        said = model.fit(texts, labels).predict(test_texts)
        accuracy = accuracy_score(test_labels, said)
        macro = f1_score(test_labels, said, average="macro")
        print(f"{name}: accuracy {100 * accuracy:.2f} %, macro F1 {100 * macro:.1f} %")


if __name__ == "__main__":
    main()
