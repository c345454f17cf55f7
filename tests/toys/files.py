"""Small files of the layouts in which others publish features."""

import pickle

import numpy as np


def write_pickle(path, content, protocol=4):
  path.write_bytes(pickle.dumps(content, protocol))
  return path


def write_csd(path, streams, data_group=True):
  """{stream: {video: (features, intervals)}} as CMU-MultimodalSDK writes it."""
  import h5py

  with h5py.File(path, 'w') as file:
    for stream, videos in streams.items():
      root = file.create_group(stream)
      group = root.create_group('data') if data_group else root
      for video, (features, intervals) in videos.items():
        entry = group.create_group(video)
        entry['features'] = np.asarray(features)
        entry['intervals'] = np.asarray(intervals, np.float32)
      if data_group:
        metadata = root.create_group('metadata')
        metadata['root name'] = [f'"{stream}"'.encode()]
  return path


def mosei_rows(*rows):
  """Rows of 'All Labels' from (start, end, sentiment, six emotions)."""
  features = np.array([row[2:] for row in rows], np.float32)
  return features, np.array([row[:2] for row in rows])


def consumed(listing, split):
  """The utterances of a split by id, in order, and {reason: count}."""
  found, left = {}, {}
  for item in listing.splits[split]():
    if hasattr(item, 'reason'):
      left[item.reason] = left.get(item.reason, 0) + item.count
    else:
      assert item.id not in found
      found[item.id] = item
  return found, left


def named(listing, split):
  """{reason: the utterances that it counts} of a split, where it has names."""
  found = {}
  for item in listing.splits[split]():
    if getattr(item, 'group', ''):
      found.setdefault(item.reason, []).append(item.group)
  return found
