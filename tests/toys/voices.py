"""CSVs of utterances with a voice: sentiment can be heard, and so sarcasm."""

import numpy as np

from affect_jax import defaults


def write(folder, name, rows, task):
  """NAME.csv of {split: ids}; the values of a voice are its sentiment."""
  lines = [f'id,split,audio,{task}']
  for split, ids in rows.items():
    for x in ids:
      r = np.random.default_rng([*x.encode()])
      score = r.uniform(-3, 3)
      path = folder / f'{x}.npy'
      noise = r.normal(size=(4, 3)) * 0.1
      np.save(path, (noise + score).astype(np.float32))
      label = f'{score:.3f}' if task == 'sentiment' else int(score > 0)
      lines.append(f'{x},{split},{path.name},{label}')
  path = folder / f'{name}.csv'
  path.write_text('\n'.join(lines) + '\n')
  return path


def config(path, folder, *tasks, **changes):
  """Two updates of means and a dense layer."""
  c = defaults.get_config()
  c.data.corpus = 'utterances_csv'
  c.data.path = str(path)
  c.data.data_dir = str(folder / 'data')
  c.tasks = tasks
  c.utterance.fusion, c.utterance.boundaries = 'concat', (4,)
  c.batch_size, c.num_train_steps, c.eval_every = 8, 2, 2
  c.schedule.warmup_steps = 1
  c.log_gradients = False
  c.update_from_flattened_dict(changes)
  return c
