r"""Learns in rounds: each labels what the next one has no gold of.

  python -m affect_jax.rounds --config=configs/quickstart_weak.py \
      --workdir=runs/weak

Round 0 learns from gold alone, with every seed of config.seeds. Its seeds, or
--teachers, label the training samples that lack gold of a task; round 1 learns
from gold and these; with --rounds=2 its seeds label anew, and so on. A round
whose mean headline on validation (config.selection, if that is given) does not
gain is the last, unless --anyway is given. Validation chooses the round, and
test is computed for it and for round 0.

WORKDIR/round_N is a folder of seeds as any other, WORKDIR/round_N.parquet its
table of weak labels, round_N.json beside it who made that. The same command
goes on where it stopped.
"""
