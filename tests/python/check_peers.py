#!/usr/bin/env python3
"""check_peers.py LAMINA: lamina against PyTorch, NumPy, pandas and scikit-learn.

Each peer_*.py has one subject and says what it compares. Numbers printed are largest differences, relative to the
largest number where that is above 1.
"""
import sys, tempfile, time

import torch

import peer, peer_answers, peer_bench, peer_functions, peer_images, peer_layers, peer_losses, peer_tables, peer_updates


def main():
    began = time.monotonic()
    peer.LAMINA = sys.argv[1]
    torch.set_num_threads(1)  # networks of a few hundred numbers
    for subject in (peer_layers, peer_images, peer_functions, peer_updates, peer_losses, peer_tables, peer_answers, peer_bench):
        print(f"\n{subject.__doc__.splitlines()[0]}")
        with tempfile.TemporaryDirectory() as folder:
            subject.check(folder)
    print(f"\nall agree, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
