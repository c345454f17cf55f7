"""What a published model keeps of its corpora says nothing of this machine."""

from affect_jax.publish import kept_options


def test_options_of_readers_are_kept_without_paths():
  several = {
    'meld': {'path': '/home/me/meld', 'text_model': 'bert', 'max_steps': 9},
    'mine': {
      'corpus': 'mustard',
      'path': '/home/me/mustard',
      'folds': '/home/me/folds.p',
      'text_features': 'bert-output.jsonl',
      'without_features': {'vision': [3]},
      'splits': {'val': ''},
    },
  }
  found = kept_options.of_data({'corpora': several, 'data_dir': '/home/me'})
  assert found == {
    'corpora': {
      'meld': {'corpus': 'meld', 'max_steps': 9},
      'mine': {
        'corpus': 'mustard',
        'text_features': 'bert-output.jsonl',
        'without_features': {'vision': [3]},
      },
    }
  }
  one = {'corpus': 'mmsa', 'csd_labels': 'a.csd', 'label_range': 3.0}
  assert kept_options.of_data(one) == {'corpus': 'mmsa', 'label_range': 3.0}
